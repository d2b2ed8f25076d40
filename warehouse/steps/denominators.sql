-- Denominators of every place and day, with the segments that may stand over them (coverage_pairs).
--
-- is_headline   BPS, August, the concept that coverage_pairs marks; an annual BPS series that refers to August
--               is August's where no August round is there
-- era           how often the place's boundaries had changed by as_of; estimate_era: by the estimate's day
-- series_break  they changed in between: the numerator and the denominator are of different areas
WITH placed AS (
  SELECT
    as_of, region_level(region_code) AS geo_level, region_code AS geo_code, concept, source, round,
    estimate_as_of, value, qualifier, vintage, value_status, NULL AS regencies_expected, NULL AS regencies_used
  FROM steps.region_denominators
  WHERE region_level(region_code) IS NOT NULL
  UNION ALL BY NAME
  SELECT *
  FROM steps.office_denominators
),
dated AS (
  SELECT
    placed.*,
    count(place_break.broke_on) FILTER (place_break.broke_on <= placed.as_of) AS era,
    count(place_break.broke_on) FILTER (place_break.broke_on <= placed.estimate_as_of) AS estimate_era
  FROM placed
  LEFT JOIN steps.series_breaks AS place_break
    ON placed.geo_level IN ('province', 'regency') AND place_break.region_code = placed.geo_code
  GROUP BY ALL
)
SELECT
  dated.*,
  dated.era <> dated.estimate_era AS series_break,
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
