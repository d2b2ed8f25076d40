-- The regency and the province of every domicile; null where it is not known that closely.
SELECT
  codes.place_code,
  min(regency.region_code) AS regency_code,
  min(coalesce(regency.parent_code, province.region_code)) AS province_code
FROM (
  SELECT DISTINCT place_code FROM partials.cells
) AS codes
LEFT JOIN reference.regions AS regency
  ON regency.level = 'regency' AND regency.region_code = codes.place_code
LEFT JOIN reference.regions AS province
  ON province.level = 'province' AND province.region_code = left(codes.place_code, 2)
GROUP BY codes.place_code
