-- Figures of the labour force that are disputed or missing, from the relations before.
FROM inner_broken WHERE verdict = 'disputed'
UNION ALL BY NAME
FROM regions_broken
UNION ALL BY NAME
FROM unit_changes
UNION ALL BY NAME
FROM parts_exchanged
UNION ALL BY NAME
FROM rates_broken
UNION ALL BY NAME
SELECT
  'no_workers' AS code, region_code, survey, concept, concept || ' ' || figure AS left_side,
  CAST(NULL AS VARCHAR) AS right_side, 'missing' AS verdict, true AS is_listed
FROM figures WHERE is_missing
