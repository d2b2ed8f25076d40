-- Figures of the labour force that are judged, one row per region, survey and concept, from the relations `counted`
-- and `surveys`.
--
-- is_last      whether the survey is the last state in which this row of `loaded` counts: the one that judges it
-- is_missing   a zero where the region's labour force or its number of employed is zero
WITH stood AS (
  SELECT
    c.nth, c.region_code, c.level, c.concept, c.year, c.about, c.value, c.qualifier, c.own_sums, c.is_rate, c.figure,
    c.low, c.high, c.tolerance, c.era, s.survey, s.series, c.until = s.before AS is_last
  FROM counted AS c
  JOIN surveys AS s
    ON s.year = c.year AND s.about = c.about AND s.round = c.round AND s.source_kind = c.source_kind
    AND s.family = c.family AND s.restated = c.restated
    AND c.since < s.before AND c.until >= s.before
),
empty_regions AS (
  SELECT DISTINCT region_code, survey, true AS is_empty
  FROM stood WHERE concept IN ('labour_force', 'employed') AND value = 0
)
SELECT stood.*, coalesce(is_empty, false) AND value = 0 AND NOT is_rate AS is_missing
FROM stood LEFT JOIN empty_regions USING (region_code, survey)
