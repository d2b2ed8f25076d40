-- For each day of a numerator and region: the latest estimate not after it and not too old, by concept,
-- publisher and round. One of the area that the region has on the day comes before all of another area, and of one
-- day today's area before an older one. A disputed or missing one is not passed over for an older one.
--
-- era           how often the region's boundaries had changed by as_of; all of the times for a restated estimate,
--               because people are counted by today's regions
-- area_era      how many of the changes the estimate's area has
-- is_same_area  both are the same
WITH day_eras AS (
  SELECT dates.as_of, change.region_code, count(*) FILTER (change.broke_on <= dates.as_of) AS changes
  FROM steps.numerator_dates AS dates
  CROSS JOIN steps.series_breaks AS change
  GROUP BY dates.as_of, change.region_code
)
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
  estimate.value_status,
  CASE WHEN estimate.is_restated THEN estimate.area_era ELSE coalesce(day_eras.changes, 0) END AS era,
  estimate.area_era,
  era = estimate.area_era AS is_same_area
FROM steps.numerator_dates AS dates
JOIN steps.estimates AS estimate
  ON estimate.estimate_as_of <= dates.as_of
  AND estimate.estimate_as_of >= dates.as_of - to_months(estimate.serves_months)
LEFT JOIN day_eras ON day_eras.as_of = dates.as_of AND day_eras.region_code = estimate.region_code
QUALIFY row_number() OVER (
  PARTITION BY dates.as_of, estimate.region_code, estimate.concept, estimate.source, estimate.round
  ORDER BY is_same_area DESC, estimate.estimate_as_of DESC, estimate.area_era DESC
) = 1
