-- Workers whom offices (and Kanwil, over their offices) serve: the sum of value x share over their
-- regencies. All regencies stand in one estimate of one day, the latest that any of them has: a regency
-- that is not in it is missing, and no older one takes its place. regencies_used counts those that are
-- there and not disputed. The sum is null where one is missing; where one is disputed it stands, and the
-- ratio is null.
WITH served AS (
  SELECT dates.as_of, 'office' AS geo_level, region.office_code AS geo_code, region.region_code, region.share
  FROM steps.numerator_dates AS dates
  JOIN reference.office_regions AS region ON is_valid_on(dates.as_of, region.valid_from, region.valid_to)
  UNION ALL
  SELECT office.as_of, 'kanwil', office.kanwil_code, region.region_code, region.share
  FROM steps.office_versions AS office
  JOIN reference.office_regions AS region
    ON region.office_code = office.office_code
    AND is_valid_on(office.as_of, region.valid_from, region.valid_to)
  WHERE office.kanwil_code IS NOT NULL
),
shares AS (
  SELECT
    as_of, geo_level, geo_code, region_code, sum(share) AS share,
    count(*) OVER (PARTITION BY as_of, geo_level, geo_code) AS regencies
  FROM served
  GROUP BY as_of, geo_level, geo_code, region_code
),
known AS (
  SELECT
    shares.as_of,
    shares.geo_level,
    shares.geo_code,
    shares.share,
    shares.regencies,
    denominator.* EXCLUDE (as_of, region_code)
  FROM shares
  JOIN steps.region_denominators AS denominator
    ON denominator.as_of = shares.as_of AND denominator.region_code = shares.region_code
  QUALIFY denominator.estimate_as_of = max(denominator.estimate_as_of) OVER (
    PARTITION BY shares.as_of, shares.geo_level, shares.geo_code, concept, source, round
  )
)
SELECT
  as_of,
  geo_level,
  geo_code,
  concept,
  source,
  round,
  min(estimate_as_of) AS estimate_as_of,
  CASE WHEN count(value) = min(regencies) THEN sum(value * share) END AS value,
  CASE WHEN count(value) = min(regencies) THEN sum_qualifier(list(qualifier)) END AS qualifier,
  max(vintage) AS vintage,
  bool_and(is_same_area) AS is_same_area,
  CASE
    WHEN count(value) < min(regencies) OR bool_or(value_status = 'missing') THEN 'missing'
    WHEN bool_or(value_status = 'disputed') THEN 'disputed'
    ELSE 'final'
  END AS value_status,
  min(regencies) AS regencies_expected,
  count(value) FILTER (value_status NOT IN ('missing', 'disputed')) AS regencies_used
FROM known
GROUP BY as_of, geo_level, geo_code, concept, source, round
