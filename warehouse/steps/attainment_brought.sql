-- What every open office brings to the totals of a month's end, by segment, basis and measure.
--
-- target, to_date_target   its own target in force, if it has one; the one to date as DECIMAL, so that sums are exact,
--                          and from this table's opening
-- actual                   its own figure; 0 where its export has nobody of the segment; null where it is missing
-- carried                  what stands in for a missing one: the memberships carried for it, a flow's figure of this year
-- opening                  its figure on 31 December before, or what stood in for it; 0 where it had nobody or was not
--                          open yet
-- is_awaited               its export is expected and would answer this basis
WITH keys AS (
  SELECT DISTINCT as_of, year, segment, basis, measure
  FROM steps.attainment_paired
  WHERE as_of = last_day(as_of) AND measure <> 'percent' AND (target_version <> 'none' OR covering)
),
grid AS (
  SELECT keys.*, level.office_code, level.valid_from, make_date(keys.year - 1, 12, 31) AS opened_on
  FROM keys
  JOIN steps.attainment_levels AS level ON level.as_of = keys.as_of AND level.geo_level = 'national'
),
reported AS (
  SELECT
    grid.*,
    answers AND report.is_expected AS is_awaited,
    answers AND report.has_reported AS has_reported,
    CASE WHEN answers AND (NOT is_flow(grid.basis) OR year(report.carried_as_of) = grid.year)
      THEN report.carried_as_of END AS carried_as_of,
    CASE WHEN answers THEN before.carried_as_of END AS opening_carried_as_of,
    is_stock(grid.basis) AND (
      (answers AND (before.has_reported OR before.carried_as_of IS NOT NULL)) OR grid.valid_from > grid.opened_on
    ) AS has_known_opening
  FROM (SELECT *, is_counted(basis, measure) AS answers FROM grid) AS grid
  LEFT JOIN steps.office_reports AS report ON report.as_of = grid.as_of AND report.office_code = grid.office_code
  LEFT JOIN steps.office_reports AS before ON before.as_of = grid.opened_on AND before.office_code = grid.office_code
),
brought AS (
  SELECT
    reported.as_of,
    reported.year,
    reported.segment,
    reported.basis,
    reported.measure,
    reported.office_code,
    own.target,
    own.target_qualifier,
    own.phasing,
    own.month_before,
    own.month_value,
    own.target_status,
    coalesce(own.target_version <> 'none', false) AS has_target,
    coalesce(own.actual, CASE WHEN reported.has_reported THEN 0 END) AS actual,
    own.actual_qualifier,
    own.value_status,
    own.as_of_precision,
    coalesce(own.covering OR reported.has_reported, false) AS covering,
    CASE
      WHEN own.actual IS NULL AND reported.carried_as_of IS NOT NULL
        THEN coalesce(CASE WHEN is_flow(reported.basis) THEN carried.actual ELSE kept.carried END, 0)
    END AS carried,
    CASE
      WHEN reported.opening_carried_as_of IS NOT NULL AND is_stock(reported.basis)
        THEN coalesce(kept_before.carried, 0)
      WHEN is_usable(opening.value_status) THEN opening.actual
      WHEN opening.as_of IS NULL AND reported.has_known_opening THEN 0
    END AS opening,
    coalesce(opening.actual_qualifier, 'eq') AS opening_qualifier,
    coalesce(reported.is_awaited, false) AS is_awaited
  FROM reported
  LEFT JOIN steps.attainment_paired AS own
    ON own.geo_level = 'office'
    AND own.geo_code = reported.office_code
    AND own.as_of = reported.as_of
    AND own.segment = reported.segment
    AND own.basis = reported.basis
    AND own.measure = reported.measure
    AND own.in_force
    AND (own.basis <> 'unspecified' OR own.target_version <> 'none')
  LEFT JOIN steps.attainment_actuals AS carried
    ON carried.covering
    AND carried.geo_code = reported.office_code
    AND carried.as_of = reported.carried_as_of
    AND carried.segment = reported.segment
    AND carried.basis = reported.basis
    AND carried.measure = reported.measure
  LEFT JOIN steps.attainment_carried AS kept
    ON kept.office_code = reported.office_code
    AND kept.as_of = reported.as_of
    AND kept.segment = reported.segment
    AND kept.basis = reported.basis
  LEFT JOIN steps.attainment_carried AS kept_before
    ON kept_before.office_code = reported.office_code
    AND kept_before.as_of = reported.opened_on
    AND kept_before.segment = reported.segment
    AND kept_before.basis = reported.basis
  LEFT JOIN steps.attainment_actuals AS opening
    ON is_stock(reported.basis)
    AND opening.geo_level = 'office'
    AND opening.geo_code = reported.office_code
    AND opening.as_of = reported.opened_on
    AND opening.segment = reported.segment
    AND opening.basis = reported.basis
    AND opening.measure = reported.measure
)
SELECT
  * EXCLUDE (phasing, month_before, month_value),
  CAST(target_by_now(
    phasing, basis, target, opening, months_elapsed(as_of),
    CASE WHEN month(as_of) = 1 AND is_stock(basis) THEN opening ELSE month_before END, month_value, 1
  ) AS DECIMAL(28, 8)) AS to_date_target,
  target_by_now_qualifier(phasing, basis, target_qualifier, opening_qualifier) AS to_date_qualifier
FROM brought
