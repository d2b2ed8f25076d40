-- What a month's contribution is made of: one row a month; before the first known rates those stand.
CREATE TABLE rates AS
WITH counted AS (SELECT range AS month, make_date(range // 12, range % 12 + 1, 1) AS day FROM range(23500, 24800)),
known AS (SELECT *, greatest(day, DATE '2015-07-01') AS rated_on FROM counted),
valid AS (
  SELECT known.month, known.day, rate.*
  FROM known JOIN reference.contribution_rates AS rate
    ON known.rated_on >= rate.valid_from AND known.rated_on <= coalesce(rate.valid_to, DATE '9999-12-31')
)
SELECT
  month,
  strftime(any_value(day), '%Y-%m') AS period,
  list(rate::DOUBLE ORDER BY rate) FILTER (WHERE segment = 'PU' AND programme = 'JKK') AS pu_jkk,
  max(rate::DOUBLE) FILTER (WHERE segment = 'PU' AND programme = 'JKM') AS pu_jkm,
  max(rate::DOUBLE) FILTER (WHERE segment = 'PU' AND programme = 'JHT') AS pu_jht,
  max(rate::DOUBLE) FILTER (WHERE segment = 'PU' AND programme = 'JP') AS pu_jp,
  -- The cap from March 2026 is not in the reference data: the one before stands.
  coalesce(max(wage_cap_idr::DOUBLE) FILTER (WHERE segment = 'PU' AND programme = 'JP'), 10547400) AS jp_cap,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKK' AND kind = 'min_idr' AND sector_code IS NULL) AS own_jkk_least,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKK' AND kind = 'percent_of_wage' AND sector_code IS NULL) AS own_jkk,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKM' AND sector_code IS NULL) AS own_jkm,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKK' AND kind = 'min_idr' AND sector_code = 'H') AS transport_jkk_least,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKK' AND kind = 'percent_of_wage' AND sector_code = 'H') AS transport_jkk,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JKM' AND sector_code = 'H') AS transport_jkm,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JHT' AND kind = 'min_idr') AS own_jht_least,
  max(rate::DOUBLE) FILTER (WHERE segment = 'BPU' AND programme = 'JHT' AND kind = 'percent_of_wage') AS own_jht
FROM valid GROUP BY month ORDER BY month
