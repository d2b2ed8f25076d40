-- One row per version of a target of an office, a Kanwil, a region or the nation.
--
-- basis          cumulative counts as registered_stock
-- target         the year's: of a custom one its December
-- phasing        as set, else flat for stocks and linear for flows
-- month_values   of a custom one: month -> value
-- applies_from   1 January for the first version whenever it was decided, the day of decision for a later one
--
-- Where two stand at one key, a region's goes before head office's and registered_stock before cumulative.
WITH placed AS (
  SELECT
    target.* EXCLUDE (office_code, region_code, place_code, basis),
    meeting_basis(target.basis) AS basis,
    target.basis AS stated_basis,
    target.region_code IS NOT NULL AS set_for_region,
    CASE WHEN target.region_code IS NULL THEN coalesce(place.geo_level, 'office')
      ELSE region_level(target.region_code) END AS geo_level,
    CASE WHEN target.region_code IS NULL THEN coalesce(place.geo_code, target.office_code)
      ELSE target.region_code END AS geo_code
  FROM core.targets AS target
  LEFT JOIN steps.attainment_places AS place ON place.office_code = target.office_code
),
single AS (
  SELECT *
  FROM placed
  WHERE geo_level <> 'village'
  QUALIFY row_number() OVER (
    PARTITION BY year, geo_level, geo_code, segment, basis, measure, version, month
    ORDER BY set_for_region DESC, stated_basis DESC, decided_on DESC NULLS LAST, source, source_key, target
  ) = 1
),
versions AS (
  SELECT
    year,
    geo_level,
    geo_code,
    segment,
    basis,
    measure,
    version,
    coalesce(
      max(phasing),
      CASE WHEN max(month) IS NOT NULL THEN 'custom' WHEN is_flow(basis) THEN 'linear' ELSE 'flat' END
    ) AS phasing,
    arg_min(target, coalesce(month, 0)) AS plain_target,
    arg_min(qualifier, coalesce(month, 0)) AS plain_qualifier,
    max(target) FILTER (month = 12) AS december,
    max(qualifier) FILTER (month = 12) AS december_qualifier,
    map_from_entries(list((month, target) ORDER BY month) FILTER (month IS NOT NULL)) AS month_values,
    min(decided_on) AS decided_on,
    bool_or(includes_children) AS includes_children,
    arg_min(value_status, status_rank(value_status)) AS value_status,
    min(source_key) AS source_key
  FROM single
  GROUP BY year, geo_level, geo_code, segment, basis, measure, version
)
SELECT
  year,
  geo_level,
  geo_code,
  segment,
  basis,
  measure,
  version,
  phasing,
  CASE WHEN phasing = 'custom' THEN december ELSE plain_target END AS target,
  CASE WHEN phasing = 'custom' THEN december_qualifier ELSE plain_qualifier END AS target_qualifier,
  month_values,
  CASE
    WHEN version = min(version) OVER (PARTITION BY year, geo_level, geo_code, segment, basis, measure)
      THEN make_date(year, 1, 1)
    ELSE decided_on
  END AS applies_from,
  includes_children,
  value_status,
  source_key
FROM versions
