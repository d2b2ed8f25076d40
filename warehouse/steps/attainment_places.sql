-- Every office code with the level at which its figures stand: head office speaks for the nation, a Kanwil for
-- itself, any other office for itself.
SELECT
  office_code,
  CASE office_type WHEN 'kantor_pusat' THEN 'national' WHEN 'kanwil' THEN 'kanwil' ELSE 'office' END AS geo_level,
  CASE office_type WHEN 'kantor_pusat' THEN '0000' ELSE office_code END AS geo_code
FROM reference.offices
QUALIFY row_number() OVER (PARTITION BY office_code ORDER BY valid_from DESC NULLS LAST) = 1
