-- The totals that every open office counts to at a month's end: its Kanwil, the nation, and the office above it.
WITH open_offices AS (
  SELECT as_of, office_code, kanwil_code, parent_code, valid_from
  FROM steps.attainment_offices
  WHERE is_open AND is_local AND as_of = last_day(as_of)
)
SELECT as_of, office_code, valid_from, 'kanwil' AS geo_level, kanwil_code AS geo_code
FROM open_offices
WHERE kanwil_code IS NOT NULL
UNION ALL
SELECT as_of, office_code, valid_from, 'national' AS geo_level, '0000' AS geo_code
FROM open_offices
UNION ALL
SELECT child.as_of, child.office_code, child.valid_from, 'office' AS geo_level, child.parent_code AS geo_code
FROM open_offices AS child
JOIN open_offices AS parent ON parent.as_of = child.as_of AND parent.office_code = child.parent_code
