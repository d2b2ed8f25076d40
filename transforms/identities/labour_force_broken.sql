-- Figures of the labour force that contradict each other, one row per judged figure, from the relation `loaded`.
-- A survey is year, round, source_kind and source text: three files that name the same source are one survey.
-- Each concept counts in its latest vintage; statements are compared per day that they are about.
WITH latest AS (
  SELECT
    region_code, concept, value, qualifier, as_of, vintage, source,
    struct_pack(
      year, round, about := CASE WHEN round = 'stated' THEN as_of ELSE make_date(year, 12, 31) END, source_kind,
      family := lower(trim(source))
    ) AS survey
  FROM loaded
  QUALIFY row_number() OVER (PARTITION BY region_code, survey, concept ORDER BY vintage DESC NULLS LAST, source) = 1
),
printed AS (
  SELECT *, CASE qualifier WHEN 'eq' THEN '' ELSE qualifier || ' ' END || CAST(CAST(value AS BIGINT) AS VARCHAR) AS figure
  FROM latest
),
-- A rounded figure may be off by half its last printed digit, a sum of BPS estimates by 2 persons.
ranged AS (
  SELECT
    *,
    concept IN ('labour_force', 'employed') AND value = 0 AS is_missing,
    CASE qualifier
      WHEN 'approx' THEN CAST(power(10, length(figure) - length(rtrim(figure, '0'))) / 2 AS DECIMAL(20, 4)) ELSE 0
    END AS slack,
    CASE WHEN qualifier IN ('le', 'lt') THEN 0 ELSE value - slack END AS low,
    CASE WHEN qualifier IN ('ge', 'gt') THEN 1e14::DECIMAL(20, 4) ELSE value + slack END AS high,
    CASE survey.source_kind WHEN 'bps' THEN 2 ELSE 0 END AS tolerance,
    coalesce(
      CASE lag(survey.year) OVER series WHEN survey.year - 1 THEN nullif(lag(value) OVER series, 0) END,
      CASE lead(survey.year) OVER series WHEN survey.year + 1 THEN nullif(lead(value) OVER series, 0) END
    ) AS neighbour
  FROM printed
  WINDOW series AS (
    PARTITION BY region_code, concept, survey.round, survey.source_kind, survey.family
    ORDER BY survey.year, survey.about
  )
),
known AS (SELECT * FROM ranged WHERE NOT is_missing),
terms AS (
  FROM (VALUES
    ('labour_force_sum', 'labour_force', 'employed'), ('labour_force_sum', 'labour_force', 'unemployed'),
    ('status_sum', 'employed', 'employed_formal'), ('status_sum', 'employed', 'employed_informal')
  ) AS t (code, total, part)
),
inner_parts AS (
  SELECT
    code, total, region_code, survey, sum(low) AS low, sum(high) AS high,
    string_agg(part || ' ' || figure, ' + ' ORDER BY part) AS right_side
  FROM known JOIN terms ON concept = part
  GROUP BY ALL
  HAVING count(*) = 2
),
inner_sums AS (
  SELECT
    p.code, p.total, region_code, survey, total || ' ' || k.figure AS left_side, p.right_side,
    k.low > p.high + k.tolerance OR k.high < p.low - k.tolerance AS is_broken
  FROM inner_parts AS p JOIN known AS k USING (region_code, survey)
  WHERE k.concept = p.total
),
-- Every figure that takes part in a broken sum of its own region.
blamed AS (
  SELECT s.* EXCLUDE (is_broken), m.concept
  FROM inner_sums AS s
  JOIN (SELECT DISTINCT code, unnest([total, part]) AS concept FROM terms) AS m USING (code)
  WHERE s.is_broken
),
-- A part stays usable where its own inner sum holds and it is within 15 % of the year before (or, without one, after).
inner_verdicts AS (
  SELECT
    b.code, region_code, survey, concept, b.left_side, b.right_side,
    CASE
      WHEN concept = b.total OR own.is_broken THEN 'disputed'
      WHEN k.neighbour IS NULL AND own.is_broken IS NULL THEN 'disputed'
      WHEN abs(k.value - k.neighbour) > 0.15 * k.neighbour THEN 'disputed'
      ELSE 'usable'
    END AS verdict
  FROM blamed AS b
  JOIN known AS k USING (region_code, survey, concept)
  LEFT JOIN inner_sums AS own
    ON own.region_code = k.region_code AND own.survey = k.survey AND own.total = k.concept AND own.code <> b.code
),
-- Today's parts of each region. A province that split off must be there too (weight 0): else its old whole is meant.
parts AS (
  SELECT region_code, parent_code AS whole, 1 AS weight, CASE level WHEN 'province' THEN year(valid_from) END AS since
  FROM reference.regions WHERE level IN ('province', 'regency') AND valid_to IS NULL
  UNION ALL
  SELECT region_code, predecessor_code, 0, NULL
  FROM reference.regions WHERE level = 'province' AND valid_to IS NULL AND predecessor_code IS NOT NULL
),
expected AS (
  SELECT p.whole, y.year, count(*) AS n
  FROM parts AS p JOIN (SELECT DISTINCT survey.year AS year FROM latest) AS y ON coalesce(p.since <= y.year, true)
  GROUP BY ALL
),
region_sums AS (
  SELECT
    p.whole AS region_code, k.survey, k.concept, sum(p.weight * k.low) AS low, sum(p.weight * k.high) AS high,
    sum(p.weight * k.value) AS value, sum(p.weight) AS members,
    count(*) FILTER (coalesce(p.since <= k.survey.year, true)) AS n
  FROM known AS k JOIN parts AS p USING (region_code)
  GROUP BY ALL
),
broken_sums AS (
  SELECT
    CASE region_code WHEN '0000' THEN 'provinces_sum' ELSE 'regencies_sum' END AS code, region_code, survey, concept,
    concept || ' ' || k.figure AS left_side,
    s.members || ' regions together ' || CAST(CAST(s.value AS BIGINT) AS VARCHAR) AS right_side
  FROM known AS k
  JOIN region_sums AS s USING (region_code, survey, concept)
  JOIN expected AS e ON e.whole = region_code AND e.year = survey.year AND e.n = s.n
  WHERE k.low > s.high + k.tolerance OR k.high < s.low - k.tolerance
),
explained AS (
  SELECT DISTINCT s.region_code, s.survey, s.concept
  FROM broken_sums AS s
  JOIN parts AS p ON p.whole = s.region_code AND p.weight = 1
  JOIN blamed AS b ON b.region_code = p.region_code AND b.survey = s.survey AND b.concept = s.concept
),
-- Members that also break an identity of their own; a province may break the sum of its regencies.
suspects AS (
  SELECT region_code, survey, concept FROM blamed
  UNION
  SELECT region_code, survey, concept FROM broken_sums ANTI JOIN explained USING (region_code, survey, concept)
),
accused AS (
  SELECT s.* REPLACE (p.region_code AS region_code), s.region_code AS whole
  FROM broken_sums AS s
  JOIN parts AS p ON p.whole = s.region_code AND p.weight = 1
  JOIN suspects AS x ON x.region_code = p.region_code AND x.survey = s.survey AND x.concept = s.concept
),
verdicts AS (
  SELECT code, region_code, survey, concept, left_side, right_side, verdict FROM inner_verdicts
  UNION ALL
  SELECT code, region_code, survey, concept, left_side, right_side, 'disputed' FROM accused
  UNION ALL
  SELECT code, s.region_code, s.survey, s.concept, left_side, right_side, 'disputed' FROM broken_sums AS s
  ANTI JOIN accused AS a ON a.whole = s.region_code AND a.survey = s.survey AND a.concept = s.concept
  UNION ALL
  SELECT 'no_workers', region_code, survey, concept, concept || ' ' || figure, NULL, 'missing' FROM ranged WHERE is_missing
)
SELECT
  v.code, region_code AS place_code, survey.year AS year, concept, v.verdict, v.left_side, v.right_side,
  survey.round AS round, l.as_of, l.vintage, survey.source_kind AS source_kind, l.source
FROM verdicts AS v JOIN latest AS l USING (region_code, survey, concept)
