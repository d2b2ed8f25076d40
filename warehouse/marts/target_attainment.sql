-- How far each office, Kanwil, region and the nation is from its target, at every month's end.
-- Status and ranks stand here; the arithmetic in steps.attainment_figures, the hierarchy in steps.attainment_totals.
WITH previous AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY as_of, geo_level, geo_code, segment, basis, measure ORDER BY in_force DESC, target_version
    ) = 1 AS speaks_for_key
  FROM steps.attainment_figures
),
named AS (
  SELECT
    figure.*,
    coalesce(office.name, region.name_id) AS geo_name,
    CASE WHEN figure.geo_level = 'office' THEN figure.geo_code END AS office_code,
    CASE WHEN figure.geo_level = 'office' THEN office.name END AS office_name,
    CASE WHEN figure.geo_level IN ('office', 'kanwil')
      THEN office.parent_code ELSE region.parent_code END AS parent_code,
    CASE figure.geo_level WHEN 'kanwil' THEN figure.geo_code WHEN 'office' THEN office.kanwil_code END AS kanwil_code,
    coalesce(same_version.actual, last_month.actual) AS previous_actual,
    coalesce(same_version.attainment_pct, last_month.attainment_pct) AS previous_attainment_pct,
    last_year.actual AS same_month_last_year,
    nullif(concat_ws('; ', figure.note, CASE WHEN figure.geo_level = 'office' AND NOT office.is_open
      THEN 'Kantor tidak buka pada tanggal ini / office not open on this day' END), '') AS full_note
  FROM steps.attainment_figures AS figure
  LEFT JOIN steps.attainment_offices AS office
    ON figure.geo_level IN ('office', 'kanwil')
    AND office.as_of = figure.as_of
    AND office.office_code = figure.geo_code
  LEFT JOIN reference.regions AS region
    ON figure.geo_level NOT IN ('office', 'kanwil') AND region.region_code = figure.geo_code
  LEFT JOIN previous AS last_month
    ON last_month.speaks_for_key
    AND last_month.as_of = last_day(figure.as_of - INTERVAL 1 MONTH)
    AND last_month.geo_level = figure.geo_level
    AND last_month.geo_code = figure.geo_code
    AND last_month.segment = figure.segment
    AND last_month.basis = figure.basis
    AND last_month.measure = figure.measure
  LEFT JOIN previous AS same_version
    ON same_version.year = figure.year
    AND same_version.as_of = last_day(figure.as_of - INTERVAL 1 MONTH)
    AND same_version.geo_level = figure.geo_level
    AND same_version.geo_code = figure.geo_code
    AND same_version.segment = figure.segment
    AND same_version.basis = figure.basis
    AND same_version.measure = figure.measure
    AND same_version.target_version = figure.target_version
  LEFT JOIN previous AS last_year
    ON last_year.speaks_for_key
    AND last_year.as_of = last_day(figure.as_of - INTERVAL 1 YEAR)
    AND last_year.geo_level = figure.geo_level
    AND last_year.geo_code = figure.geo_code
    AND last_year.segment = figure.segment
    AND last_year.basis = figure.basis
    AND last_year.measure = figure.measure
),
eligible AS (
  SELECT
    *,
    geo_level = 'office' AND in_force AND target_version NOT IN ('none', 'sum')
      AND attainment_to_date_pct IS NOT NULL AS is_ranked
  FROM named
)
SELECT
  year,
  as_of,
  geo_level,
  geo_code,
  segment,
  basis,
  measure,
  target_version,
  geo_name,
  office_code,
  office_name,
  parent_code,
  kanwil_code,
  target,
  target_qualifier,
  in_force,
  includes_children,
  actual,
  actual_qualifier,
  opening,
  months_elapsed,
  months_left,
  target_to_date,
  attainment_pct,
  attainment_to_date_pct,
  attainment_qualifier,
  gap,
  gap_qualifier,
  achieved_per_month,
  required_per_month,
  pace_ratio,
  projected_year_end,
  projected_attainment_pct,
  previous_actual,
  previous_attainment_pct,
  same_month_last_year,
  CASE WHEN is_ranked AND kanwil_code IS NOT NULL THEN dense_rank() OVER (
    PARTITION BY as_of, segment, basis, measure, is_ranked, kanwil_code ORDER BY attainment_to_date_pct DESC
  ) END AS rank_in_kanwil,
  CASE WHEN is_ranked THEN dense_rank() OVER (
    PARTITION BY as_of, segment, basis, measure, is_ranked ORDER BY attainment_to_date_pct DESC
  ) END AS rank_national,
  offices_expected,
  offices_reported,
  carried_actual,
  attainment_status(
    basis, target, actual, value_status, gap, gap_qualifier, months_left, attainment_to_date_pct, pct_to_date_qualifier
  ) AS status,
  value_status,
  as_of_precision,
  said_on,
  full_note AS note,
  source_key
FROM eligible
