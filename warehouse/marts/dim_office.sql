-- Offices as they stand last: of several periods of one office, the one that began latest.
WITH latest AS (
  SELECT office_code, name, office_type, parent_code, kanwil_code, valid_from, valid_to
  FROM reference.offices
  QUALIFY row_number() OVER (PARTITION BY office_code ORDER BY valid_from DESC NULLS LAST) = 1
)
SELECT
  office.office_code,
  office.name,
  office.office_type,
  office.parent_code,
  parent.name AS parent_name,
  office.kanwil_code,
  kanwil.name AS kanwil_name,
  office.valid_from,
  office.valid_to
FROM latest AS office
LEFT JOIN latest AS parent ON parent.office_code = office.parent_code
LEFT JOIN latest AS kanwil ON kanwil.office_code = office.kanwil_code
