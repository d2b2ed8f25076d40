-- Which offices add up to which total.
--
-- kind   own   a target was set for the Kanwil or the nation itself: the offices that are awaited, have a target or an
--              actual; where none is awaited and none has a target, every open one
--        sum   none was set, but offices below have targets: those offices
--        none  nobody has a target: the offices that are awaited or have an actual, where any exports
WITH set_levels AS (
  SELECT DISTINCT year, geo_level, geo_code, segment, basis, measure FROM steps.attainment_targets
),
candidates AS (
  SELECT
    level.geo_level,
    level.geo_code,
    brought.*,
    set_levels.geo_code IS NOT NULL AS is_set,
    bool_or(brought.has_target) OVER key AS any_target,
    bool_or(brought.has_target OR brought.is_awaited) OVER key AS any_counted,
    bool_or(brought.covering) OVER key AS any_export
  FROM steps.attainment_brought AS brought
  JOIN steps.attainment_levels AS level ON level.as_of = brought.as_of AND level.office_code = brought.office_code
  LEFT JOIN set_levels
    ON set_levels.year = brought.year
    AND set_levels.geo_level = level.geo_level
    AND set_levels.geo_code = level.geo_code
    AND set_levels.segment = brought.segment
    AND set_levels.basis = brought.basis
    AND set_levels.measure = brought.measure
  WINDOW key AS (
    PARTITION BY brought.as_of, level.geo_level, level.geo_code, brought.segment, brought.basis, brought.measure
  )
),
kinds AS (
  SELECT
    *,
    CASE
      WHEN is_set THEN CASE WHEN geo_level <> 'office' THEN 'own' END
      WHEN any_target THEN 'sum'
      WHEN any_export AND geo_level <> 'office' AND measure = 'persons' THEN 'none'
    END AS kind
  FROM candidates
)
SELECT * EXCLUDE (is_set, any_target, any_counted, any_export)
FROM kinds
WHERE (kind = 'sum' AND has_target)
  OR (kind = 'own' AND (has_target OR is_awaited OR actual IS NOT NULL OR NOT any_counted))
  OR (kind = 'none' AND (is_awaited OR actual IS NOT NULL))
