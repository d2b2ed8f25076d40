-- Coverage and attainment from the good rows, for the peers that compute with SQL.
CREATE OR REPLACE TABLE members AS
WITH flagged AS (
  SELECT
    office_code, nik, kpj, segment, region_code, last_paid_period,
    last_paid_period >= getvariable('active_from') AS active_stock,
    last_paid_period >= getvariable('period') AS protected_stock
  FROM good
),
several AS (
  SELECT nik, first(region_code ORDER BY
    last_paid_period DESC, list_position(['PU', 'JAKON', 'BPU', 'PMI'], segment),
    left(sha256(getvariable('key') || 'kpj' || kpj), 32)) AS region_code
  FROM flagged SEMI JOIN (SELECT nik FROM flagged GROUP BY nik HAVING count(*) > 1) USING (nik)
  GROUP BY nik
)
SELECT flagged.* EXCLUDE (region_code), coalesce(several.region_code, flagged.region_code) AS regency
FROM flagged LEFT JOIN several USING (nik);

CREATE OR REPLACE TABLE coverage AS
WITH cells AS (
  SELECT unnest([
      {'geo_level': 'national', 'geo_code': '0000'}, {'geo_level': 'province', 'geo_code': left(regency, 2)},
      {'geo_level': 'regency', 'geo_code': regency}, {'geo_level': 'office', 'geo_code': office_code}
    ], recursive := true), nik, segment, active_stock, protected_stock
  FROM members
),
persons AS (
  SELECT geo_level, geo_code, coalesce(segment, 'ALL') AS segment, nik,
    bool_or(active_stock) AS active_stock, bool_or(protected_stock) AS protected_stock
  FROM cells
  GROUP BY GROUPING SETS ((geo_level, geo_code, segment, nik), (geo_level, geo_code, nik))
),
counted AS (
  SELECT geo_level, geo_code, segment, count(*) AS registered_stock,
    count(*) FILTER (active_stock) AS active_stock, count(*) FILTER (protected_stock) AS protected_stock
  FROM persons GROUP BY ALL
)
SELECT figure.geo_level, figure.geo_code, figure.segment, figure.basis, figure.persons, workers.workers AS denominator,
  100.0 * figure.persons / workers.workers AS coverage_pct
FROM counted UNPIVOT (persons FOR basis IN (registered_stock, active_stock, protected_stock)) AS figure
LEFT JOIN workers USING (geo_level, geo_code, segment);

CREATE OR REPLACE TABLE attainment AS
SELECT *, 100.0 * actual / nullif(target, 0) AS attainment_pct
FROM (
  SELECT targets.office_code, targets.segment, targets.target, count(DISTINCT members.kpj) AS actual
  FROM targets
  LEFT JOIN members
    ON members.office_code = targets.office_code AND members.segment = targets.segment AND members.active_stock
  GROUP BY ALL
);
