-- Denominators of every place and day, with the segments that may stand over them (coverage_pairs).
--
-- is_headline   BPS, August, the concept that coverage_pairs marks; an annual BPS series that refers to August
--               is August's where no August round is there, or only one of another area
-- era           how often the place's boundaries had changed by as_of (steps.region_denominators)
-- estimate_era  how many of the changes the estimate's area has, and how many declared breaks of the series
--               (reference.series_breaks) lie before it: changes are shown within one era only
-- is_same_area  the estimate is of the area that the place has on the day; over another there is no ratio
-- series_break  another area, or a declared break lies between the two days: they do not belong together;
--               or the estimate is the first of a new series. A declared break of a year holds from the day of
--               that year's estimate, and counts for an office by its regencies
WITH placed AS (
  SELECT
    as_of, region_level(region_code) AS geo_level, region_code AS geo_code, concept, source, round,
    estimate_as_of, value, qualifier, vintage, value_status, era, area_era, is_same_area,
    NULL AS regencies_expected, NULL AS regencies_used
  FROM steps.region_denominators
  WHERE region_level(region_code) IS NOT NULL
  UNION ALL BY NAME
  SELECT *, 0 AS era, 0 AS area_era
  FROM steps.office_denominators
),
dated AS (
  SELECT
    placed.*,
    year(placed.estimate_as_of) AS estimate_year,
    count(declared.year) FILTER (declared.year <= estimate_year) AS declared_era,
    count(declared.year) FILTER (
      declared.year = estimate_year
      OR (
        declared.year > estimate_year
        AND placed.estimate_as_of + to_years(declared.year - estimate_year) <= placed.as_of
      )
    ) AS declared_breaks
  FROM placed
  LEFT JOIN reference.series_breaks AS declared
    ON coalesce(declared.concept = placed.concept, true)
    AND coalesce(
      declared.level = CASE WHEN placed.geo_level IN ('office', 'kanwil') THEN 'regency' ELSE placed.geo_level END,
      true
    )
  GROUP BY ALL
)
SELECT
  dated.* EXCLUDE (area_era, estimate_year, declared_era, declared_breaks),
  (dated.area_era, dated.declared_era) AS estimate_era,
  NOT dated.is_same_area OR dated.declared_breaks > 0 AS series_break,
  pair.segment,
  pair.comparability,
  pair.is_headline
  AND dated.source = 'bps'
  AND (dated.round = 'aug' OR (dated.round = 'annual' AND month(dated.estimate_as_of) = 8)) AS may_lead,
  may_lead AND row_number() OVER (
    PARTITION BY dated.as_of, dated.geo_level, dated.geo_code, dated.concept, pair.segment, may_lead
    ORDER BY dated.is_same_area DESC, dated.round = 'aug' DESC
  ) = 1 AS is_headline
FROM dated
JOIN reference.coverage_pairs AS pair ON pair.denominator_concept = dated.concept
