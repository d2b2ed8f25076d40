-- Counts in another unit than the rest of their own series, from the relation `figures`: thousands among persons, or
-- a thousands dot that was read as a decimal point. All rows of a concept, one finding, where nearly all regions of a
-- survey show it.
WITH counted AS (
  SELECT
    region_code, survey, concept, figure, value, ln(CAST(value AS DOUBLE)) AS log_value,
    list(log_value) OVER (
      PARTITION BY region_code, concept, survey.round, survey.source_kind, survey.family
      ORDER BY survey.year ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
    ) AS others
  FROM figures
  WHERE NOT is_rate AND value > 0 AND qualifier IN ('eq', 'approx')
),
-- A series is steady where half its years lie within twice its median: elsewhere a thousandth proves nothing.
compared AS (
  SELECT
    *, list_median(others) AS usual,
    len(others) >= 2
    AND list_aggregate(others, 'mad') < ln(2)
    AND abs(log_value - usual) BETWEEN ln(500) AND ln(2000) AS is_changed
  FROM counted
),
seen AS (
  SELECT
    *,
    count(*) FILTER (is_changed) OVER of_survey AS regions_changed,
    count(*) FILTER (len(others) >= 2) OVER of_survey AS regions,
    regions >= 3 AND regions_changed >= 0.8 * regions AS is_everywhere
  FROM compared
  WINDOW of_survey AS (PARTITION BY survey, concept)
),
listed AS (
  SELECT
    *,
    is_everywhere AND row_number() OVER (
      PARTITION BY survey, concept ORDER BY NOT is_changed, region_code <> '0000', value DESC, region_code
    ) = 1 AS is_first
  FROM seen
  WHERE is_changed OR is_everywhere
)
SELECT
  'unit_change' AS code, region_code, survey, concept, concept || ' ' || figure AS left_side,
  'median of ' || len(others) || ' other years ' || CAST(round(exp(usual)) AS BIGINT)
  || CASE WHEN is_first THEN '; so in ' || regions_changed || ' of ' || regions || ' regions' ELSE '' END AS right_side,
  'disputed' AS verdict, is_first OR NOT is_everywhere AS is_listed
FROM listed
