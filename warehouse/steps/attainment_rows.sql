-- Every row of the mart before its arithmetic: places on their own, and totals over offices.
--
-- A total over exports answers a target set for a Kanwil or the nation, unless it is partial and a figure was stated
-- for that level; a total of recaps answers only where nothing was stated.
-- target_version  sum where the target is the sum of the offices' targets in force
-- in_force        exactly one per key: of an actual that meets no target only where its key has no target at all
WITH placed AS (
  SELECT
    own.*,
    total,
    total.actual IS NOT NULL
      AND (own.actual IS NULL OR (total.covering AND total.value_status <> 'partial')) AS takes_total
  FROM steps.attainment_paired AS own
  LEFT JOIN steps.attainment_totals AS total
    ON total.kind = CASE WHEN own.target_version = 'none' THEN 'none' ELSE 'own' END
    AND total.as_of = own.as_of
    AND total.geo_level = own.geo_level
    AND total.geo_code = own.geo_code
    AND total.segment = own.segment
    AND total.basis = own.basis
    AND total.measure = own.measure
),
own_rows AS (
  SELECT
    * EXCLUDE (total, takes_total, target_to_date, to_date_qualifier, covering, target_source_key)
    REPLACE (
      CASE WHEN takes_total THEN total.actual ELSE actual END AS actual,
      CASE WHEN takes_total THEN total.actual_qualifier ELSE actual_qualifier END AS actual_qualifier,
      CASE WHEN takes_total THEN total.opening ELSE opening END AS opening,
      CASE WHEN takes_total THEN total.opening_qualifier ELSE opening_qualifier END AS opening_qualifier,
      CASE WHEN takes_total THEN total.as_of_precision ELSE as_of_precision END AS as_of_precision,
      CASE WHEN NOT takes_total THEN said_on END AS said_on,
      CASE WHEN takes_total THEN total.value_status ELSE value_status END AS value_status,
      CASE WHEN takes_total THEN target_source_key ELSE source_key END AS source_key,
      concat_ws('; ', CASE WHEN NOT takes_total THEN note END, CASE
        WHEN total.offices_target <> target THEN format(
          'Jumlah target {0} kantor {1} / targets of {0} offices add up to {1}',
          total.offices_with_target, printed(total.offices_target)
        )
      END) AS note
    ),
    CASE WHEN takes_total THEN total.offices_expected END AS offices_expected,
    CASE WHEN takes_total THEN total.offices_reported END AS offices_reported,
    CASE WHEN takes_total THEN total.carried_actual END AS carried_actual,
    CAST(NULL AS DOUBLE) AS target_to_date,
    CAST(NULL AS VARCHAR) AS to_date_qualifier
  FROM placed
),
total_rows AS (
  SELECT
    total.* EXCLUDE (kind, covering, offices_with_target, offices_target),
    CASE total.kind WHEN 'sum' THEN 'sum' ELSE 'none' END AS target_version,
    true AS in_force,
    CASE total.kind WHEN 'sum' THEN true END AS includes_children,
    CASE total.kind WHEN 'sum' THEN total.offices_target END AS target,
    CASE total.kind WHEN 'sum' THEN format(
      'Jumlah dari {0} kantor yang bertarget / sum of {0} offices that have a target', total.offices_with_target
    ) END AS note
  FROM steps.attainment_totals AS total
  ANTI JOIN steps.attainment_paired AS own
    ON total.kind <> 'sum'
    AND own.as_of = total.as_of
    AND own.geo_level = total.geo_level
    AND own.geo_code = total.geo_code
    AND own.segment = total.segment
    AND own.basis = total.basis
    AND own.measure = total.measure
    AND (own.target_version <> 'none' OR total.kind = 'none')
),
together AS (
  SELECT * FROM own_rows
  UNION ALL BY NAME
  SELECT * FROM total_rows
)
SELECT
  * REPLACE (
    nullif(note, '') AS note,
    in_force AND (target_version <> 'none' OR NOT bool_or(target_version <> 'none') OVER (
      PARTITION BY as_of, geo_level, geo_code, segment, basis, measure
    )) AS in_force,
    CASE WHEN target_version = 'sum' THEN target_to_date ELSE target_by_now(
      phasing, basis, target, opening, months_elapsed(as_of),
      CASE WHEN month(as_of) = 1 AND is_stock(basis) THEN opening ELSE month_before END, month_value,
      months_elapsed(as_of) - month(as_of) + 1
    ) END AS target_to_date,
    CASE WHEN target_version = 'sum' THEN to_date_qualifier ELSE target_by_now_qualifier(
      phasing, basis, target_qualifier, opening_qualifier
    ) END AS to_date_qualifier,
    worst_status(value_status, target_status) AS value_status
  )
FROM together
