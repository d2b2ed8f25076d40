-- Every figure of the labour force that is known on the business date, the latest vintage of its survey, with the
-- area that it speaks of. A region that gave parts away keeps its code: a figure from after the change is still of
-- the old, large area unless all the parts stand beside it in the same survey, for the same concept and reading.
--
-- about        the day that the figure is about
-- survey       year, round, source and that day
-- is_restated  carried back to today's boundaries: its source says so, or the region was not founded yet on the day
-- area_era     how many changes of the region's boundaries its area already has
-- is_of_today  it has all of them
WITH dated AS (
  SELECT
    region_code, concept, value, qualifier, vintage, published_on, value_status, restated, source_key,
    CASE
      WHEN round = 'feb' THEN last_day(make_date(year, 2, 1))
      WHEN round = 'aug' THEN make_date(year, 8, 31)
      ELSE coalesce(as_of, make_date(year, 8, 31))
    END AS about,
    struct_pack(year, round, source_kind, source, as_of := about) AS survey
  FROM core.labour_force
  WHERE coalesce(vintage, published_on, DATE '0001-01-01') <= getvariable('as_of')
  QUALIFY row_number() OVER (
    PARTITION BY region_code, survey, concept, restated
    ORDER BY
      vintage DESC NULLS LAST, published_on DESC NULLS LAST, labour_force.as_of DESC NULLS LAST, source_key, value
  ) = 1
),

founded AS (
  SELECT successor_code AS region_code, max(changed_on) AS founded_on
  FROM reference.region_changes
  WHERE change_kind = 'split' AND predecessor_code <> successor_code
  GROUP BY successor_code
),

heirs AS (
  SELECT
    predecessor_code AS region_code, successor_code, changed_on,
    count(*) OVER (PARTITION BY predecessor_code, changed_on) AS n
  FROM reference.region_changes
  WHERE change_kind = 'split' AND predecessor_code <> successor_code
),

-- Surveys in which all the parts stand that a region gave away on a day.
divided AS (
  SELECT heirs.region_code, heirs.changed_on, dated.survey, dated.concept, dated.restated
  FROM heirs
  JOIN dated ON dated.region_code = heirs.successor_code
  GROUP BY heirs.region_code, heirs.changed_on, dated.survey, dated.concept, dated.restated, heirs.n
  HAVING count(DISTINCT heirs.successor_code) = heirs.n
),

eras AS (
  SELECT
    dated.region_code, dated.survey, dated.concept, dated.restated,
    count(*) AS changes,
    count(*) FILTER (
      dated.about >= change.broke_on
      AND (
        divided.region_code IS NOT NULL
        OR (change.region_code, change.broke_on) NOT IN (SELECT (region_code, changed_on) FROM heirs)
      )
    ) AS changes_seen
  FROM dated
  JOIN steps.series_breaks AS change ON change.region_code = dated.region_code
  LEFT JOIN divided
    ON divided.region_code = dated.region_code
    AND divided.changed_on = change.broke_on
    AND divided.survey = dated.survey
    AND divided.concept = dated.concept
    AND divided.restated = dated.restated
  GROUP BY dated.region_code, dated.survey, dated.concept, dated.restated
)

SELECT
  dated.* EXCLUDE (restated),
  dated.restated OR coalesce(founded.founded_on > dated.about, false) AS is_restated,
  coalesce(CASE WHEN is_restated THEN eras.changes ELSE eras.changes_seen END, 0) AS area_era,
  area_era = coalesce(eras.changes, 0) AS is_of_today
FROM dated
LEFT JOIN founded ON founded.region_code = dated.region_code
LEFT JOIN eras
  ON eras.region_code = dated.region_code
  AND eras.survey = dated.survey
  AND eras.concept = dated.concept
  AND eras.restated = dated.restated
