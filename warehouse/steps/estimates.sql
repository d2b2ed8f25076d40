-- Estimates and statements of workers that are known on the business date, with the day that each refers
-- to and how many months it may serve; one per region, concept, publisher (bps, or agency for all others),
-- round and day. Of several: agency before office before press, the latest vintage, the latest
-- published_on, source in order. A figure of zero is a missing one.
SELECT
  region_code,
  concept,
  CASE WHEN source_kind = 'bps' THEN 'bps' ELSE 'agency' END AS source,
  round,
  CASE
    WHEN round = 'feb' THEN last_day(make_date(year, 2, 1))
    WHEN round = 'aug' THEN make_date(year, 8, 31)
    ELSE coalesce(as_of, make_date(year, 8, 31))
  END AS estimate_as_of,
  CASE WHEN round = 'stated' THEN 12 ELSE 24 END AS serves_months,
  CASE WHEN value > 0 THEN value END AS value,
  qualifier,
  vintage,
  restated,
  CASE WHEN value > 0 THEN value_status ELSE 'missing' END AS value_status
FROM core.labour_force
WHERE coalesce(vintage, published_on, DATE '0001-01-01') <= getvariable('as_of')
QUALIFY row_number() OVER (
  PARTITION BY
    labour_force.region_code, labour_force.concept, labour_force.source_kind = 'bps', round, estimate_as_of
  ORDER BY
    source_rank(source_kind),
    vintage DESC NULLS LAST,
    published_on DESC NULLS LAST,
    labour_force.source,
    year DESC,
    labour_force.as_of DESC NULLS LAST,
    source_key,
    labour_force.value
) = 1
