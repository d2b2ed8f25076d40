-- Offices as they stood on every day that has a row: the period that holds that day, else the nearest one before,
-- else the first. is_open tells whether the day lies in the period.
WITH days AS (
  SELECT as_of FROM steps.attainment_calendar
  UNION
  SELECT as_of FROM steps.attainment_actuals
)
SELECT
  days.as_of,
  office.office_code,
  office.name,
  coalesce(office.office_type, 'kc') NOT IN ('kanwil', 'kantor_pusat') AS is_local,
  office.parent_code,
  office.kanwil_code,
  office.valid_from,
  is_valid_on(days.as_of, office.valid_from, office.valid_to) AS is_open
FROM days
CROSS JOIN reference.offices AS office
QUALIFY row_number() OVER (
  PARTITION BY days.as_of, office.office_code
  ORDER BY
    coalesce(office.valid_from <= days.as_of, true) DESC,
    CASE WHEN office.valid_from <= days.as_of THEN office.valid_from END DESC NULLS LAST,
    office.valid_from
) = 1
