-- The arithmetic of attainment, one row per row of attainment_rows. Values that pull apart (mixed), and everything
-- derived from what is disputed, missing or partial, are null; only persons and memberships enter ratios.
WITH related AS (
  SELECT
    *,
    months_elapsed(as_of) AS months_elapsed,
    12 - months_elapsed(as_of) AS months_left,
    ratio_qualifier(actual_qualifier, target_qualifier) AS attainment_qualifier,
    ratio_qualifier(actual_qualifier, to_date_qualifier) AS pct_to_date_qualifier,
    difference_qualifier(actual_qualifier, target_qualifier) AS gap_qualifier,
    achieved_qualifier(basis, actual_qualifier, opening_qualifier) AS achieved_qualifier,
    is_usable(value_status) AS is_sound,
    is_usable(value_status) AND enters_ratios(measure) AS has_ratios
  FROM steps.attainment_rows
),
paced AS (
  SELECT
    *,
    CASE WHEN gap_qualifier <> 'mixed' THEN CAST(target - actual AS DECIMAL(20, 4)) END AS gap,
    CASE WHEN is_sound AND achieved_qualifier <> 'mixed'
      THEN achieved_a_month(basis, actual, opening, months_elapsed) END AS achieved_per_month
  FROM related
),
projected AS (
  SELECT
    *,
    CASE WHEN is_sound AND measure <> 'percent'
      THEN required_a_month(gap, gap_qualifier, months_left) END AS required_per_month,
    projection(basis, actual, achieved_per_month, months_left) AS projected_year_end
  FROM paced
)
SELECT
  * EXCLUDE (is_sound, has_ratios),
  CASE WHEN has_ratios THEN percent_of(actual, target, attainment_qualifier) END AS attainment_pct,
  CASE WHEN has_ratios THEN percent_of(actual, target_to_date, pct_to_date_qualifier) END AS attainment_to_date_pct,
  CASE WHEN has_ratios
    THEN pace(required_per_month, achieved_per_month, gap_qualifier, achieved_qualifier) END AS pace_ratio,
  CASE WHEN has_ratios AND projected_year_end >= 0
    THEN percent_of(
      projected_year_end, target, ratio_qualifier(achieved_qualifier, target_qualifier)
    ) END AS projected_attainment_pct
FROM projected
