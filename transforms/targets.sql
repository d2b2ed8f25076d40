-- One target of a region or, where no region is named, of an office.
SELECT
  typed.*,
  coalesce(typed.region_code, typed.office_code) AS place_code,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known
FROM typed
