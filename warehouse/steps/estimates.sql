-- Estimates and statements of workers that are known on the business date, with the day that each refers
-- to and how many months it may serve; one per region, concept, publisher (bps, or agency for all others),
-- round, day and area (steps.labour_areas). Of several: agency before office before press, the latest vintage,
-- the latest published_on, source in order. A figure of zero is a missing one.
SELECT
  region_code,
  concept,
  CASE WHEN survey.source_kind = 'bps' THEN 'bps' ELSE 'agency' END AS source,
  struct_extract(survey, 'round') AS round,
  about AS estimate_as_of,
  CASE WHEN survey.round = 'stated' THEN 12 ELSE 24 END AS serves_months,
  CASE WHEN value > 0 THEN value END AS value,
  qualifier,
  vintage,
  is_restated,
  area_era,
  CASE WHEN value > 0 THEN value_status ELSE 'missing' END AS value_status
FROM steps.labour_areas AS figure
QUALIFY row_number() OVER (
  PARTITION BY region_code, concept, survey.source_kind = 'bps', survey.round, about, area_era
  ORDER BY
    source_rank(survey.source_kind),
    vintage DESC NULLS LAST,
    published_on DESC NULLS LAST,
    survey.source,
    survey.year DESC,
    is_restated,
    source_key,
    figure.value
) = 1
