-- Each place's own targets beside its own actual, and the actuals that meet no target (target_version none).
-- Kanwil and nation have here what was set or stated for themselves; sums over offices follow in attainment_totals.
--
-- opening         of stocks the same basis on 31 December before; null where there is none
-- target_to_date  null where its phasing or opening does not say
-- value_status    the actual's; missing where there is none
-- in_force        true for an actual that meets no target, too: it is the only row of its key
-- note            of a target without an actual: the bases that exist for the place, segment and day
WITH bases AS (
  SELECT as_of, geo_level, geo_code, segment, string_agg(DISTINCT printed, ', ' ORDER BY printed) AS found
  FROM (
    SELECT *, basis || CASE measure WHEN 'persons' THEN '' ELSE format(' ({})', measure) END AS printed
    FROM steps.attainment_actuals
  )
  GROUP BY as_of, geo_level, geo_code, segment
),
openings AS (
  SELECT
    year(as_of) + 1 AS year,
    geo_level,
    geo_code,
    segment,
    basis,
    measure,
    actual AS opening,
    actual_qualifier AS opening_qualifier
  FROM steps.attainment_actuals
  WHERE month(as_of) = 12 AND day(as_of) = 31 AND is_stock(basis) AND is_usable(value_status)
),
answered AS (
  SELECT own.*, actual.* EXCLUDE (as_of, geo_level, geo_code, segment, basis, measure), bases.found
  FROM steps.attainment_own AS own
  LEFT JOIN steps.attainment_actuals AS actual
    ON actual.as_of = own.as_of
    AND actual.geo_level = own.geo_level
    AND actual.geo_code = own.geo_code
    AND actual.segment = own.segment
    AND actual.basis = own.basis
    AND own.basis <> 'unspecified'
    AND actual.measure = own.measure
  LEFT JOIN bases
    ON bases.as_of = own.as_of
    AND bases.geo_level = own.geo_level
    AND bases.geo_code = own.geo_code
    AND bases.segment = own.segment
  UNION ALL BY NAME
  SELECT actual.*, year(actual.as_of) AS year, 'none' AS target_version, true AS in_force
  FROM steps.attainment_actuals AS actual
  ANTI JOIN steps.attainment_targets AS target
    ON target.year = year(actual.as_of)
    AND target.geo_level = actual.geo_level
    AND target.geo_code = actual.geo_code
    AND target.segment = actual.segment
    AND target.basis = actual.basis
    AND target.basis <> 'unspecified'
    AND target.measure = actual.measure
),
opened AS (
  SELECT answered.*, openings.opening, openings.opening_qualifier
  FROM answered
  LEFT JOIN openings
    ON openings.year = answered.year
    AND openings.geo_level = answered.geo_level
    AND openings.geo_code = answered.geo_code
    AND openings.segment = answered.segment
    AND openings.basis = answered.basis
    AND openings.measure = answered.measure
)
SELECT
  * EXCLUDE (found) REPLACE (
    coalesce(value_status, 'missing') AS value_status,
    coalesce(source_key, target_source_key) AS source_key,
    coalesce(covering, false) AS covering,
    CASE WHEN actual IS NULL AND found IS NOT NULL THEN format(
      'Tidak ada realisasi dengan dasar {0}; yang ada: {1} / no actual on {0}; there is: {1}', basis, found
    ) ELSE note END AS note
  ),
  target_by_now(
    phasing, basis, target, opening, months_elapsed(as_of),
    CASE WHEN month(as_of) = 1 AND is_stock(basis) THEN opening ELSE month_before END, month_value,
    months_elapsed(as_of) - month(as_of) + 1
  ) AS target_to_date,
  target_by_now_qualifier(phasing, basis, target_qualifier, opening_qualifier) AS to_date_qualifier
FROM opened
