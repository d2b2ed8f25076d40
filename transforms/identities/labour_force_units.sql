-- Counts in another unit than other years of their own series, from the relation `figures`: thousands among persons,
-- or a thousands dot that was read as a decimal point. All rows of a concept, one finding, where nearly all regions of
-- a survey show it.
--
-- small, large    the figures of a series below and above its widest gap, as logarithms
-- is_split        the two are about a thousand times apart, and each is steady: half its figures lie within twice its
--                 median (elsewhere a thousandth proves nothing)
-- is_undecided    nobody knows which side is right, and both are disputed; but one figure beside four or more is wrong
WITH counts AS (
  SELECT *, ln(CAST(value AS DOUBLE)) AS log_value
  FROM figures
  WHERE NOT is_rate AND value > 0 AND qualifier IN ('eq', 'approx')
),
ranges AS (
  SELECT region_code, series, concept, count(*) AS years, max(value) >= 500 * min(value) AS is_wide
  FROM counts
  GROUP BY ALL
),
split AS (
  SELECT
    region_code, series, concept,
    list_sort(list(log_value)) AS sorted,
    list_transform(range(1, len(sorted)), lambda i: sorted[i + 1] - sorted[i]) AS steps,
    list_position(steps, list_max(steps)) AS n,
    sorted[:n] AS small,
    sorted[n + 1:] AS large,
    list_median(large) - list_median(small) BETWEEN ln(500) AND ln(2000)
    AND greatest(list_aggregate(small, 'mad'), list_aggregate(large, 'mad')) < ln(2) AS is_split
  FROM counts SEMI JOIN (FROM ranges WHERE is_wide) USING (region_code, series, concept)
  GROUP BY ALL
),
blamed AS (
  SELECT
    c.region_code, c.survey, c.concept, c.value, len(sorted) AS years,
    CASE WHEN log_value > small[-1] THEN large ELSE small END AS own,
    CASE WHEN log_value > small[-1] THEN small ELSE large END AS others,
    len(own) > 1 AND len(others) > 1 OR years < 5 AS is_undecided,
    c.concept || ' ' || c.figure AS left_side,
    format(
      'median of {} other years {:.0f}{}', len(others), exp(list_median(others)),
      CASE WHEN is_undecided THEN ', and nobody knows which unit is right' ELSE '' END
    ) AS right_side
  FROM counts AS c JOIN split USING (region_code, series, concept)
  WHERE is_split AND (is_undecided OR len(own) = 1)
),
sizes AS (
  SELECT survey, concept, count(*) AS regions
  FROM counts SEMI JOIN blamed USING (survey, concept)
  JOIN ranges USING (region_code, series, concept)
  WHERE ranges.years >= 2
  GROUP BY ALL
),
-- Two figures alone prove a unit only with another concept of the region, or with most regions.
proved AS (
  SELECT *
  FROM blamed JOIN sizes USING (survey, concept)
  QUALIFY years > 2
    OR count(*) OVER (PARTITION BY region_code, survey) >= 2
    OR count(*) OVER (PARTITION BY survey, concept) > greatest(regions / 2, 2)
),
seen AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY survey, concept) AS regions_changed,
    regions >= 3 AND regions_changed >= 0.8 * regions AS is_everywhere
  FROM proved
),
shown AS (
  SELECT * FROM seen WHERE is_everywhere
  QUALIFY row_number() OVER (PARTITION BY survey, concept ORDER BY region_code <> '0000', value DESC, region_code) = 1
)
SELECT 'unit_change' AS code, region_code, survey, concept, left_side, right_side, 'disputed' AS verdict, true AS is_listed
FROM seen WHERE NOT is_everywhere
UNION ALL
SELECT
  'unit_change', f.region_code, f.survey, f.concept, s.left_side,
  format('{}; so in {} of {} regions', s.right_side, s.regions_changed, s.regions), 'disputed',
  f.region_code = s.region_code
FROM shown AS s JOIN figures AS f ON f.survey = s.survey AND f.concept = s.concept
