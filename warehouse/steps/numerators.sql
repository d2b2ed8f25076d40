-- The numerator of every place, segment and basis: from participants where an export covers it, else from
-- a recap; the recap then stands beside as the runner-up. A total that is carried or partial differs from
-- a recap for a known reason, so only a complete one disputes.
WITH office_files AS (
  SELECT month_end(period) AS as_of, office_code, min(source_key) AS first_key, max(source_key) AS last_key
  FROM partials.exports
  GROUP BY as_of, office_code
),
counted AS (
  SELECT
    total.*,
    coalesce(report.offices_expected, 1) AS offices_expected,
    coalesce(report.offices_reported, 1) AS offices_reported,
    CASE
      WHEN report.completeness IN ('carried', 'partial') THEN report.completeness
      WHEN is_frozen(total.as_of, getvariable('as_of')) THEN 'final'
      ELSE 'provisional'
    END AS value_status,
    CASE WHEN file.first_key = file.last_key THEN file.first_key END AS source_key
  FROM steps.participant_numerators AS total
  LEFT JOIN steps.place_reports AS report
    ON report.as_of = total.as_of AND report.geo_level = total.geo_level AND report.geo_code = total.geo_code
  LEFT JOIN office_files AS file
    ON total.geo_level = 'office' AND file.as_of = total.as_of AND file.office_code = total.geo_code
),
compared AS (
  SELECT
    counted.*,
    recap.numerator AS other_numerator,
    recap.source AS other_source,
    counted.value_status IN ('provisional', 'final') AND NOT figures_agree(
      CASE WHEN recap.measure = 'memberships' THEN counted.memberships ELSE counted.numerator END,
      'eq',
      recap.numerator,
      recap.numerator_qualifier
    ) AS is_contradicted
  FROM counted
  LEFT JOIN steps.recap_numerators AS recap USING (as_of, geo_level, geo_code, segment, basis)
)
SELECT
  as_of, geo_level, geo_code, segment, basis, true AS is_counted, 'month' AS as_of_precision,
  numerator, 'eq' AS numerator_qualifier, numerator_place, memberships, multi_segment_persons,
  other_numerator, other_source, status_rule, offices_expected, offices_reported, carried_numerator,
  CASE WHEN is_contradicted THEN 'disputed' ELSE value_status END AS value_status, source_key
FROM compared
UNION ALL BY NAME
SELECT
  as_of, geo_level, geo_code, segment, basis, false AS is_counted, as_of_precision, said_on,
  numerator, numerator_qualifier, numerator_place, memberships, other_numerator, other_source,
  'as_stated' AS status_rule, value_status, source_key
FROM steps.recap_numerators
ANTI JOIN steps.participant_numerators USING (as_of, geo_level, geo_code, segment, basis)
