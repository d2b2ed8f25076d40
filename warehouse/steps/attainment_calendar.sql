-- The days on which each target has a row, with the version in force: every month's end of its year up to the
-- business date, and every other day for which there is an actual to meet it.
WITH month_ends AS (
  SELECT DISTINCT target.year, last_day(make_date(target.year, month.number, 1)) AS as_of
  FROM steps.attainment_targets AS target
  CROSS JOIN range(1, 13) AS month(number)
  WHERE last_day(make_date(target.year, month.number, 1)) <= getvariable('as_of')
),
days AS (
  SELECT target.year, target.geo_level, target.geo_code, target.segment, target.basis, target.measure, month_ends.as_of
  FROM steps.attainment_targets AS target
  JOIN month_ends USING (year)
  UNION
  SELECT target.year, target.geo_level, target.geo_code, target.segment, target.basis, target.measure, actual.as_of
  FROM steps.attainment_targets AS target
  JOIN steps.attainment_actuals AS actual
    ON year(actual.as_of) = target.year
    AND actual.geo_level = target.geo_level
    AND actual.geo_code = target.geo_code
    AND actual.segment = target.segment
    AND actual.basis = target.basis
    AND actual.measure = target.measure
    AND target.basis <> 'unspecified'
)
SELECT
  days.as_of,
  target.*,
  target.version = max(target.version) OVER (
    PARTITION BY
      days.as_of, target.year, target.geo_level, target.geo_code, target.segment, target.basis, target.measure
  ) AS in_force
FROM days
JOIN steps.attainment_targets AS target USING (year, geo_level, geo_code, segment, basis, measure)
WHERE days.as_of >= target.applies_from
