-- Denominators of every place and day, with the segments that may stand over them (coverage_pairs).
--
-- is_headline   BPS, August, the concept that coverage_pairs marks; an annual BPS series that refers to August
--               is August's where no August round is there
-- era           how often the place's boundaries had changed by as_of; all of the times where the source restated
--               the series to today's boundaries
-- estimate_era  how often they had changed by the estimate's day, and how many declared breaks of the series
--               (reference.series_breaks) lie before it: changes are shown within one era only
-- series_break  boundaries changed, or a declared break lies, between the two days: they do not belong together;
--               or the estimate is the first of a new series. A declared break of a year holds from the day of
--               that year's estimate, and counts for an office by its regencies
WITH placed AS (
  SELECT
    as_of, region_level(region_code) AS geo_level, region_code AS geo_code, concept, source, round,
    estimate_as_of, value, qualifier, vintage, restated, value_status,
    NULL AS regencies_expected, NULL AS regencies_used
  FROM steps.region_denominators
  WHERE region_level(region_code) IS NOT NULL
  UNION ALL BY NAME
  SELECT *
  FROM steps.office_denominators
),
bounded AS (
  SELECT
    placed.*,
    count(place_break.broke_on) FILTER (coalesce(placed.restated, false) OR place_break.broke_on <= placed.as_of) AS era,
    count(place_break.broke_on) FILTER (
      coalesce(placed.restated, false) OR place_break.broke_on <= placed.estimate_as_of
    ) AS boundary_era
  FROM placed
  LEFT JOIN steps.series_breaks AS place_break
    ON placed.geo_level IN ('province', 'regency') AND place_break.region_code = placed.geo_code
  GROUP BY ALL
),
dated AS (
  SELECT
    bounded.*,
    year(bounded.estimate_as_of) AS estimate_year,
    count(declared.year) FILTER (declared.year <= estimate_year) AS declared_era,
    count(declared.year) FILTER (
      declared.year = estimate_year
      OR (
        declared.year > estimate_year
        AND bounded.estimate_as_of + to_years(declared.year - estimate_year) <= bounded.as_of
      )
    ) AS declared_breaks
  FROM bounded
  LEFT JOIN reference.series_breaks AS declared
    ON coalesce(declared.concept = bounded.concept, true)
    AND coalesce(
      declared.level = CASE WHEN bounded.geo_level IN ('office', 'kanwil') THEN 'regency' ELSE bounded.geo_level END,
      true
    )
  GROUP BY ALL
)
SELECT
  dated.* EXCLUDE (restated, boundary_era, estimate_year, declared_era, declared_breaks),
  (dated.boundary_era, dated.declared_era) AS estimate_era,
  dated.era <> dated.boundary_era OR dated.declared_breaks > 0 AS series_break,
  pair.segment,
  pair.comparability,
  pair.is_headline AND dated.source = 'bps' AND (
    dated.round = 'aug'
    OR (
      dated.round = 'annual'
      AND month(dated.estimate_as_of) = 8
      AND NOT bool_or(dated.round = 'aug') OVER (
        PARTITION BY dated.as_of, dated.geo_level, dated.geo_code, dated.concept, dated.source, pair.segment
      )
    )
  ) AS is_headline
FROM dated
JOIN reference.coverage_pairs AS pair ON pair.denominator_concept = dated.concept
