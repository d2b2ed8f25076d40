-- For each day of a numerator and region: the latest estimate not after it and not too old, by concept,
-- publisher and round. A disputed or missing one is not passed over for an older one.
SELECT
  dates.as_of,
  estimate.region_code,
  estimate.concept,
  estimate.source,
  estimate.round,
  estimate.estimate_as_of,
  estimate.value,
  estimate.qualifier,
  estimate.vintage,
  estimate.restated,
  estimate.value_status
FROM steps.numerator_dates AS dates
JOIN steps.estimates AS estimate
  ON estimate.estimate_as_of <= dates.as_of
  AND estimate.estimate_as_of >= dates.as_of - to_months(estimate.serves_months)
QUALIFY row_number() OVER (
  PARTITION BY dates.as_of, estimate.region_code, estimate.concept, estimate.source, estimate.round
  ORDER BY estimate.estimate_as_of DESC
) = 1
