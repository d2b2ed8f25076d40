-- Every office as it stands on each day that has a numerator: the period in force, else the last that had
-- begun.
SELECT
  dates.as_of,
  office.office_code,
  office.name,
  office.office_type,
  office.parent_code,
  office.kanwil_code
FROM steps.numerator_dates AS dates
CROSS JOIN reference.offices AS office
QUALIFY row_number() OVER (
  PARTITION BY dates.as_of, office.office_code
  ORDER BY
    is_valid_on(dates.as_of, office.valid_from, office.valid_to) DESC,
    (office.valid_from IS NULL OR office.valid_from <= dates.as_of) DESC,
    office.valid_from DESC NULLS LAST
) = 1
