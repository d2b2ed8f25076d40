-- Figures of the labour force in two readings: as_was, under the codes and boundaries of their day, and restated to
-- the regions of today. Each is the latest vintage known on the business date. A province that was split is restated
-- by what its source says of today's boundaries, else by the sum of today's regencies of the same survey where all
-- are there and none is disputed; else it has no row: nothing is estimated, and a rate is never summed.
--
-- survey    year, round, source and the day that the figure is about (steps.labour_areas, which says of which area)
-- how       as_told; recoded (the same figure under a new code); summed; restated_by_source
WITH recoded AS (SELECT * FROM reference.region_changes WHERE change_kind = 'recode'),

altered AS (
  SELECT DISTINCT unnest([predecessor_code, successor_code]) AS region_code
  FROM reference.region_changes
  WHERE change_kind IN ('split', 'merge')
),

placed AS (
  SELECT figure.*, CASE WHEN recoded.changed_on > figure.about THEN recoded.predecessor_code END AS old_code
  FROM steps.labour_areas AS figure
  LEFT JOIN recoded ON recoded.successor_code = figure.region_code
),

told AS (
  SELECT
    placed.* EXCLUDE (about, is_restated, old_code, area_era, is_of_today),
    CASE
      WHEN is_restated THEN 'restated_by_source' WHEN old_code IS NOT NULL THEN 'recoded' ELSE 'as_told'
    END AS how
  FROM placed
  WHERE is_of_today
  QUALIFY row_number() OVER (
    PARTITION BY region_code, survey, concept
    ORDER BY vintage DESC NULLS LAST, published_on DESC NULLS LAST, is_restated
  ) = 1
),

summed AS (
  SELECT
    region.parent_code AS region_code, told.survey, told.concept, sum(told.value) AS value,
    sum_qualifier(list(told.qualifier)) AS qualifier, max(told.vintage) AS vintage, count(*) AS regencies_used,
    CASE WHEN min(told.source_key) = max(told.source_key) THEN min(told.source_key) END AS source_key
  FROM told
  JOIN reference.regions AS region
    ON region.region_code = told.region_code AND region.level = 'regency' AND region.valid_to IS NULL
  JOIN altered ON altered.region_code = region.parent_code
  WHERE told.value_status = 'final' AND told.concept NOT IN ('unemployment_rate', 'participation_rate')
  GROUP BY region.parent_code, told.survey, told.concept
),

read_twice AS (
  SELECT
    'as_was' AS boundaries, coalesce(old_code, region_code) AS code, region_code AS today_code, survey, concept, value,
    qualifier, vintage, 'as_told' AS how, NULL AS regencies_used, value_status, source_key
  FROM placed
  WHERE NOT is_restated
  UNION ALL
  SELECT
    'restated', region_code, region_code AS today_code, survey, concept, value, qualifier, vintage, how, NULL,
    value_status, source_key
  FROM told
  UNION ALL
  SELECT
    'restated', region_code, region_code AS today_code, survey, concept, value, qualifier, vintage, 'summed',
    regencies_used, 'final', source_key
  FROM summed
  ANTI JOIN told USING (region_code, survey, concept)
  WHERE qualifier <> 'mixed' AND regencies_used = (
    SELECT count(*) FROM reference.regions AS part
    WHERE part.parent_code = summed.region_code AND part.level = 'regency' AND part.valid_to IS NULL
  )
)

SELECT
  series.boundaries, series.code AS region_code, struct_extract(series.survey, 'year') AS year,
  struct_extract(series.survey, 'round') AS round, series.concept,
  struct_extract(series.survey, 'source_kind') AS source_kind, struct_extract(series.survey, 'source') AS source,
  struct_extract(series.survey, 'as_of') AS as_of,
  region.level, region.name_id, region.name_en,
  province.region_code AS province_code, province.name_id AS province_name_id, province.name_en AS province_name_en,
  CASE WHEN series.value_status <> 'missing' THEN series.value END AS value,
  series.qualifier, series.vintage, series.how, series.regencies_used, series.value_status, series.source_key
FROM read_twice AS series
JOIN reference.regions AS region ON region.region_code = series.today_code
LEFT JOIN reference.regions AS province
  ON province.level = 'province' AND province.region_code = left(series.code, 2)
