-- The rows of `loaded` (core.labour_force), one per region, concept, vintage and source text, numbered by `nth`.
--
-- family       the source text without case and outer blanks: three files that name the same source are one survey
-- about        statements are compared per day that they are about
-- since, until from when to when the row counts: the day of its vintage (without one it was always known), and the
--              day of the next vintage of the same figure (infinity for the latest)
-- low, high    what the figure may be: a rounded one is off by half its last printed digit, a bound is open
-- tolerance    a sum of BPS estimates may be off by 2 persons
-- era          how many declared breaks of the series lie before it: figures of two eras are no neighbours
WITH told AS (
  SELECT
    region_code, concept, value, qualifier, own_sums, as_of, vintage, source, round, source_kind, restated,
    CAST(year AS BIGINT) AS year,
    lower(trim(source)) AS family,
    CASE WHEN round = 'stated' THEN as_of ELSE make_date(year, 12, 31) END AS about,
    coalesce(vintage, DATE '-infinity') AS since
  FROM loaded
  QUALIFY row_number() OVER (
    PARTITION BY region_code, concept, year, about, round, source_kind, family, restated, since ORDER BY source, as_of
  ) = 1
),
printed AS (
  SELECT
    told.*,
    region.level,
    concept LIKE '%\_rate' ESCAPE '\' AS is_rate,
    CAST(CASE WHEN is_rate THEN value ELSE round(value) END AS DECIMAL(20, 4)) AS shown,
    rtrim(rtrim(CAST(shown AS VARCHAR), '0'), '.') AS digits,
    CASE qualifier WHEN 'eq' THEN '' ELSE qualifier || ' ' END || digits AS figure,
    CASE WHEN qualifier = 'approx' AND NOT is_rate
      THEN CAST(power(10, length(digits) - length(rtrim(digits, '0'))) / 2 AS DECIMAL(20, 4)) ELSE 0
    END AS slack
  FROM told LEFT JOIN reference.regions AS region USING (region_code)
),
declared AS (
  SELECT p.concept, p.level, p.year, count(b.year) AS era
  FROM (SELECT DISTINCT concept, level, year FROM printed) AS p
  LEFT JOIN reference.series_breaks AS b
    ON b.year <= p.year AND coalesce(b.concept = p.concept, true) AND coalesce(b.level = p.level, true)
  GROUP BY ALL
)
SELECT
  p.* EXCLUDE (shown, digits, slack),
  d.era,
  CASE WHEN qualifier IN ('le', 'lt') THEN 0 ELSE value - slack END AS low,
  CASE WHEN qualifier IN ('ge', 'gt') THEN 1e14::DECIMAL(20, 4) ELSE value + slack END AS high,
  CASE source_kind WHEN 'bps' THEN 2 ELSE 0 END AS tolerance,
  coalesce(lead(since) OVER (
    PARTITION BY region_code, p.concept, p.year, about, round, source_kind, family, restated ORDER BY since
  ), DATE 'infinity') AS until,
  row_number() OVER () AS nth
FROM printed AS p JOIN declared AS d
  ON d.concept = p.concept AND d.level IS NOT DISTINCT FROM p.level AND d.year = p.year
