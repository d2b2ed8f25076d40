-- One reported figure about one place: the smallest filled of village, region, office. A name stands in for a code.
SELECT
  typed.* REPLACE (coalesce(typed.region_code, named.region_code) AS region_code),
  coalesce(typed.village_code, typed.region_code, named.region_code, typed.office_code) AS place_code,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known
FROM typed
LEFT JOIN reference.region_aliases AS named
  ON typed.village_code_text IS NULL AND typed.region_code_text IS NULL AND typed.office_code IS NULL
  AND named.alias = alias_of(typed.place)
