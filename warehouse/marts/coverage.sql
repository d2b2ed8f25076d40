-- How many are protected out of how many: every numerator over every denominator that its segment may
-- stand over; a numerator without any keeps one row with `none`.
WITH paired AS (
  SELECT
    numerator.*,
    coalesce(denominator.concept, 'none') AS denominator_concept,
    coalesce(denominator.source, 'none') AS denominator_source,
    coalesce(denominator.round, 'none') AS denominator_round,
    denominator.value AS denominator,
    denominator.qualifier AS denominator_qualifier,
    denominator.estimate_as_of AS denominator_as_of,
    denominator.vintage AS denominator_vintage,
    denominator.regencies_expected,
    denominator.regencies_used,
    denominator.comparability,
    denominator.series_break,
    denominator.is_same_area,
    -- Figures compare within one series: the same rule of grace, the same boundaries.
    (numerator.status_rule, denominator.era, denominator.estimate_era) AS series,
    ratio_qualifier(numerator.numerator_qualifier, denominator.qualifier) AS ratio,
    worst_status(
      worst_status(numerator.value_status, denominator.value_status),
      CASE
        WHEN denominator.concept IS NOT NULL THEN place_status(numerator.geo_level, numerator.numerator_place)
      END
    ) AS status,
    coalesce(
      numerator.is_counted
      AND numerator.basis = 'active_stock'
      AND status <> 'incomparable'
      AND denominator.is_headline,
      false
    ) AS is_headline
  FROM steps.numerators AS numerator
  LEFT JOIN steps.denominators AS denominator USING (as_of, geo_level, geo_code, segment)
),
divided AS (
  SELECT
    *,
    CASE
      WHEN status NOT IN ('missing', 'disputed', 'partial') AND denominator > 0 AND is_same_area THEN ratio
    END AS coverage_qualifier,
    CASE
      WHEN coverage_qualifier IS NOT NULL THEN percent_of(numerator, denominator, coverage_qualifier)
    END AS coverage_pct,
    CASE WHEN coverage_pct <= 100 THEN denominator - numerator END AS uncovered,
    CASE
      WHEN coverage_pct <= 100 OR coverage_qualifier = 'mixed' THEN opposite_qualifier(coverage_qualifier)
    END AS uncovered_qualifier
  FROM paired
),
headlines AS (
  SELECT as_of, geo_level, geo_code, segment, series, numerator, coverage_pct
  FROM divided
  WHERE is_headline
)
SELECT
  shown.as_of,
  shown.geo_level,
  shown.geo_code,
  shown.segment,
  shown.basis AS numerator_basis,
  shown.denominator_concept,
  shown.denominator_source,
  shown.denominator_round,
  CASE
    WHEN shown.geo_code = 'unallocated' THEN 'Tidak teralokasi' ELSE coalesce(region.name_id, office.name)
  END AS geo_name,
  CASE
    WHEN shown.geo_code = 'unallocated' THEN '0000' ELSE coalesce(region.parent_code, office.parent_code)
  END AS parent_code,
  province.region_code AS province_code,
  province.name_id AS province_name,
  shown.as_of_precision,
  shown.said_on,
  shown.numerator,
  shown.numerator_qualifier,
  shown.numerator_place,
  shown.memberships,
  shown.multi_segment_persons,
  shown.other_numerator,
  shown.other_source,
  shown.status_rule,
  shown.offices_expected,
  shown.offices_reported,
  shown.carried_numerator,
  shown.denominator,
  shown.denominator_qualifier,
  shown.denominator_as_of,
  months_between(shown.denominator_as_of, shown.as_of) AS denominator_lag_months,
  shown.denominator_vintage,
  shown.regencies_expected,
  shown.regencies_used,
  shown.series_break,
  shown.coverage_pct,
  shown.coverage_qualifier,
  shown.comparability,
  shown.uncovered,
  shown.uncovered_qualifier,
  percent_of(shown.uncovered, shown.denominator, shown.uncovered_qualifier) AS uncovered_pct,
  shown.is_headline,
  previous.numerator AS previous_numerator,
  previous.coverage_pct AS previous_coverage_pct,
  last_year.coverage_pct AS same_month_last_year_pct,
  shown.status AS value_status,
  shown.source_key
FROM divided AS shown
LEFT JOIN headlines AS previous
  ON shown.is_headline
  AND previous.as_of = last_day(shown.as_of - to_months(1))
  AND previous.geo_level = shown.geo_level
  AND previous.geo_code = shown.geo_code
  AND previous.segment = shown.segment
  AND previous.series = shown.series
LEFT JOIN headlines AS last_year
  ON shown.is_headline
  AND last_year.as_of = last_day(shown.as_of - to_months(12))
  AND last_year.geo_level = shown.geo_level
  AND last_year.geo_code = shown.geo_code
  AND last_year.segment = shown.segment
  AND last_year.series = shown.series
LEFT JOIN reference.regions AS region
  ON shown.geo_level IN ('national', 'province', 'regency', 'village') AND region.region_code = shown.geo_code
LEFT JOIN reference.regions AS province
  ON shown.geo_level IN ('province', 'regency', 'village')
  AND province.level = 'province'
  AND province.region_code = left(shown.geo_code, 2)
LEFT JOIN steps.office_versions AS office
  ON shown.geo_level IN ('office', 'kanwil')
  AND office.as_of = shown.as_of
  AND office.office_code = shown.geo_code
