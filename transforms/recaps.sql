-- One reported figure about one place: the smallest filled of village, region, office. A name stands in for a code.
SELECT
  typed.*,
  coalesce(typed.village_code, typed.region_code, typed.office_code) AS place_code,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known
FROM typed
