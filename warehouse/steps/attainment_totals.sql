-- Sums over offices for Kanwil, nation and parents, one per total, segment, basis and measure at months' ends.
--
-- offices_expected, offices_reported, carried_actual   null where no office of the total exports
-- offices_with_target, offices_target   how many of them have a target in force, and its sum (null if it is mixed)
-- value_status  missing nothing came in; partial something is missing and nothing stands in for it; carried something
--               stands in; else the worst of the offices'
-- opening       null unless every office's is known
WITH added AS (
  SELECT
    kind,
    as_of,
    year,
    geo_level,
    geo_code,
    segment,
    basis,
    measure,
    count(*) AS members,
    count(actual) AS reported,
    count(carried) AS stood_in,
    bool_or(covering OR carried IS NOT NULL) AS any_export,
    sum(coalesce(actual, carried)) AS actual,
    coalesce(
      sum_qualifier(list(coalesce(actual_qualifier, 'eq')) FILTER (actual IS NOT NULL)),
      CASE WHEN count(carried) > 0 THEN 'eq' END
    ) AS reported_qualifier,
    sum(carried) AS carried_actual,
    CASE WHEN count(opening) = count(*) THEN sum(opening) END AS opening,
    sum_qualifier(list(opening_qualifier)) AS opening_qualifier,
    count(*) FILTER (has_target) AS offices_with_target,
    sum(target) FILTER (has_target) AS offices_target,
    coalesce(bool_and(target IS NOT NULL) FILTER (has_target), false) AS targets_known,
    sum_qualifier(list(target_qualifier) FILTER (has_target)) AS target_qualifier,
    CASE WHEN count(to_date_target) = count(*) THEN sum(to_date_target) END AS target_to_date,
    sum_qualifier(list(to_date_qualifier) FILTER (has_target)) AS to_date_qualifier,
    arg_min(target_status, status_rank(target_status)) AS target_status,
    arg_min(value_status, status_rank(value_status)) FILTER (own_figure) AS worst_reported,
    CASE WHEN min(as_of_precision) = max(as_of_precision) THEN min(as_of_precision) END AS as_of_precision
  FROM (SELECT *, actual IS NOT NULL AND value_status IS NOT NULL AS own_figure FROM steps.attainment_members)
  GROUP BY kind, as_of, year, geo_level, geo_code, segment, basis, measure
)
SELECT
  kind,
  as_of,
  year,
  geo_level,
  geo_code,
  segment,
  basis,
  measure,
  CASE WHEN any_export THEN members END AS offices_expected,
  CASE WHEN any_export THEN reported END AS offices_reported,
  CASE WHEN any_export THEN coalesce(carried_actual, 0) END AS carried_actual,
  any_export AS covering,
  CASE WHEN actual_qualifier <> 'mixed' THEN actual END AS actual,
  actual_qualifier,
  CASE WHEN opening_qualifier <> 'mixed' THEN opening END AS opening,
  opening_qualifier,
  offices_with_target,
  CASE WHEN targets_known AND target_qualifier <> 'mixed' THEN offices_target END AS offices_target,
  target_qualifier,
  CASE WHEN to_date_qualifier <> 'mixed' THEN target_to_date END AS target_to_date,
  to_date_qualifier,
  target_status,
  as_of_precision,
  CASE
    WHEN actual IS NULL THEN 'missing'
    ELSE worst_status(
      CASE WHEN reported + stood_in < members THEN 'partial' WHEN stood_in > 0 THEN 'carried' ELSE 'final' END,
      coalesce(worst_reported, CASE WHEN is_frozen(as_of, getvariable('as_of')) THEN 'final' ELSE 'provisional' END)
    )
  END AS value_status
FROM (
  SELECT *, CASE WHEN actual IS NOT NULL THEN coalesce(reported_qualifier, 'eq') END AS actual_qualifier FROM added
)
