-- Targets as each place's own: an office's target that includes the offices below it, less theirs.
--
-- target         negative where the offices below have more than the whole: told to us and not adding up, so disputed
-- month_before, month_value   of a custom target its values at the ends of the month before and of this month, in
--                the shape of the whole; null for the others
WITH below AS (
  SELECT
    whole.as_of,
    whole.geo_code,
    whole.segment,
    whole.basis,
    whole.measure,
    whole.version,
    part.target,
    part.target_qualifier
  FROM steps.attainment_calendar AS whole
  JOIN steps.attainment_offices AS office
    ON office.as_of = whole.as_of AND office.parent_code = whole.geo_code AND office.is_open AND office.is_local
  JOIN steps.attainment_targets AS part
    ON part.geo_level = 'office'
    AND part.geo_code = office.office_code
    AND part.year = whole.year
    AND part.segment = whole.segment
    AND part.basis = whole.basis
    AND part.measure = whole.measure
    AND part.applies_from <= whole.as_of
  WHERE whole.geo_level = 'office' AND whole.includes_children
  QUALIFY part.version = max(part.version) OVER (
    PARTITION BY whole.as_of, whole.geo_code, whole.segment, whole.basis, whole.measure, whole.version, part.geo_code
  )
),
given AS (
  SELECT
    as_of,
    'office' AS geo_level,
    geo_code,
    segment,
    basis,
    measure,
    version,
    sum(target) AS target,
    sum_qualifier(list(target_qualifier)) AS target_qualifier
  FROM below
  GROUP BY as_of, geo_code, segment, basis, measure, version
),
reduced AS (
  SELECT
    whole.* EXCLUDE (target, target_qualifier),
    whole.target AS whole_target,
    CASE WHEN given.target_qualifier IS NULL THEN whole.target_qualifier
      ELSE difference_qualifier(given.target_qualifier, whole.target_qualifier) END AS target_qualifier,
    CAST(whole.target - coalesce(given.target, 0) AS DECIMAL(20, 4)) AS target
  FROM steps.attainment_calendar AS whole
  LEFT JOIN given USING (as_of, geo_level, geo_code, segment, basis, measure, version)
)
SELECT
  as_of,
  year,
  geo_level,
  geo_code,
  segment,
  basis,
  measure,
  CAST(version AS VARCHAR) AS target_version,
  in_force,
  includes_children,
  phasing,
  CASE WHEN target_qualifier <> 'mixed' THEN target END AS target,
  target_qualifier,
  CASE WHEN month(as_of) = 1 AND is_flow(basis) THEN 0
    ELSE month_values[month(as_of) - 1]::DOUBLE * target::DOUBLE / nullif(whole_target, 0)::DOUBLE END AS month_before,
  month_values[month(as_of)]::DOUBLE * target::DOUBLE / nullif(whole_target, 0)::DOUBLE AS month_value,
  worst_status(value_status, CASE WHEN target < 0 THEN 'disputed' END) AS target_status,
  source_key AS target_source_key
FROM reduced
