-- Printed unemployment rates that are not their counts, from the relation `figures`. A rate may be off by half its
-- last printed digit, and each count, itself a rounded estimate, by half a person.
WITH rates AS (
  SELECT *, 0.5 / power(10, length(split_part(figure, '.', 2))) AS half_digit
  FROM figures WHERE concept = 'unemployment_rate'
),
compared AS (
  SELECT
    r.region_code, r.survey, r.concept, r.figure, r.qualifier, CAST(r.value AS DOUBLE) AS rate, r.half_digit,
    u.figure AS unemployed, l.figure AS labour_force,
    100 * greatest(CAST(u.low AS DOUBLE) - 0.5, 0) / (CAST(l.high AS DOUBLE) + 0.5) AS least,
    100 * (CAST(u.high AS DOUBLE) + 0.5) / greatest(CAST(l.low AS DOUBLE) - 0.5, 0.5) AS most,
    100 * CAST(u.value AS DOUBLE) / l.value AS counted
  FROM rates AS r
  JOIN figures AS u ON u.region_code = r.region_code AND u.survey = r.survey AND u.concept = 'unemployed'
  JOIN figures AS l ON l.region_code = r.region_code AND l.survey = r.survey AND l.concept = 'labour_force'
  WHERE NOT l.is_missing
)
SELECT
  'rate_of_counts' AS code, region_code, survey, concept, concept || ' ' || figure AS left_side,
  format('unemployed {} / labour_force {} = {:.4f} %', unemployed, labour_force, counted) AS right_side,
  'disputed' AS verdict, true AS is_listed
FROM compared
WHERE (qualifier NOT IN ('le', 'lt') AND rate - half_digit > most + 1e-9)
  OR (qualifier NOT IN ('ge', 'gt') AND rate + half_digit < least - 1e-9)
