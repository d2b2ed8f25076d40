-- Figures of the labour force that are judged, one row per region, survey and concept, from the relation `loaded`.
--
-- survey       year, round, source_kind and source text: three files that name the same source are one survey.
--              Each concept counts in its latest vintage; statements are compared per day that they are about
-- low, high    what the figure may be: a rounded one is off by half its last printed digit, a bound is open
-- tolerance    a sum of BPS estimates may be off by 2 persons
-- era          how many declared breaks of the series lie before it: figures of two eras are no neighbours
-- neighbour    the figure of the year before (without one, of the year after)
WITH latest AS (
  SELECT
    region_code, concept, value, qualifier, own_sums, restated,
    struct_pack(
      year, round, about := CASE WHEN round = 'stated' THEN as_of ELSE make_date(year, 12, 31) END, source_kind,
      family := lower(trim(source))
    ) AS survey,
    as_of, vintage, source
  FROM loaded
  QUALIFY row_number() OVER (PARTITION BY region_code, survey, concept ORDER BY vintage DESC NULLS LAST, source) = 1
),
printed AS (
  SELECT
    latest.*,
    concept LIKE '%\_rate' ESCAPE '\' AS is_rate,
    CAST(CASE WHEN is_rate THEN value ELSE round(value) END AS DECIMAL(20, 4)) AS shown,
    rtrim(rtrim(CAST(shown AS VARCHAR), '0'), '.') AS digits,
    CASE qualifier WHEN 'eq' THEN '' ELSE qualifier || ' ' END || digits AS figure,
    region.level
  FROM latest LEFT JOIN reference.regions AS region USING (region_code)
),
declared AS (
  SELECT p.concept, p.level, p.year, count(b.year) AS era
  FROM (SELECT DISTINCT concept, level, survey.year AS year FROM printed) AS p
  LEFT JOIN reference.series_breaks AS b
    ON b.year <= p.year AND coalesce(b.concept = p.concept, true) AND coalesce(b.level = p.level, true)
  GROUP BY ALL
),
ranged AS (
  SELECT
    p.*,
    d.era,
    p.concept IN ('labour_force', 'employed') AND value = 0 AS is_missing,
    CASE WHEN qualifier = 'approx' AND NOT is_rate
      THEN CAST(power(10, length(digits) - length(rtrim(digits, '0'))) / 2 AS DECIMAL(20, 4)) ELSE 0
    END AS slack,
    CASE WHEN qualifier IN ('le', 'lt') THEN 0 ELSE value - slack END AS low,
    CASE WHEN qualifier IN ('ge', 'gt') THEN 1e14::DECIMAL(20, 4) ELSE value + slack END AS high,
    CASE survey.source_kind WHEN 'bps' THEN 2 ELSE 0 END AS tolerance
  FROM printed AS p JOIN declared AS d
    ON d.concept = p.concept AND d.level IS NOT DISTINCT FROM p.level AND d.year = p.survey.year
)
SELECT
  * EXCLUDE (shown, digits, slack),
  coalesce(
    CASE lag(survey.year) OVER series WHEN survey.year - 1 THEN nullif(lag(value) OVER series, 0) END,
    CASE lead(survey.year) OVER series WHEN survey.year + 1 THEN nullif(lead(value) OVER series, 0) END
  ) AS neighbour
FROM ranged
WINDOW series AS (
  PARTITION BY region_code, concept, survey.round, survey.source_kind, survey.family, era
  ORDER BY survey.year, survey.about
)
