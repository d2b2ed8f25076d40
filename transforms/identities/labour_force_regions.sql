-- Sums over regions that are broken, one row per disputed figure, from the relations `figures`, `surveys`,
-- `inner_broken` and `unit_changes`.
--
-- The parts are today's. A series that its source restated is judged by them in every year; in any other one a
-- province counts from its founding, and a province that another split off from is judged only where that one is
-- there too (weight 0): else its old whole is meant.
WITH known AS (SELECT * FROM figures WHERE NOT is_missing AND NOT is_rate),
parts AS (
  SELECT region_code, parent_code AS whole, 1 AS weight, CASE level WHEN 'province' THEN year(valid_from) END AS since
  FROM reference.regions WHERE level IN ('province', 'regency') AND valid_to IS NULL
  UNION ALL
  SELECT region_code, predecessor_code, 0, NULL
  FROM reference.regions WHERE level = 'province' AND valid_to IS NULL AND predecessor_code IS NOT NULL
),
terms AS (
  SELECT
    p.whole, p.region_code, p.weight, s.survey,
    CASE WHEN s.restated THEN p.weight = 1 ELSE coalesce(p.since <= s.year, true) END AS is_expected
  FROM parts AS p CROSS JOIN surveys AS s
),
expected AS (SELECT whole, survey, count(*) FILTER (is_expected) AS n FROM terms GROUP BY ALL),
sums AS (
  SELECT
    t.whole AS region_code, survey, k.concept, sum(t.weight * k.low) AS low, sum(t.weight * k.high) AS high,
    sum(t.weight * k.value) AS value, sum(t.weight) AS members, count(*) FILTER (t.is_expected) AS n
  FROM known AS k JOIN terms AS t USING (region_code, survey)
  GROUP BY ALL
),
broken_sums AS (
  SELECT
    CASE region_code WHEN '0000' THEN 'provinces_sum' ELSE 'regencies_sum' END AS code, region_code, survey, concept,
    concept || ' ' || k.figure AS left_side,
    s.members || ' regions together ' || CAST(CAST(s.value AS BIGINT) AS VARCHAR) AS right_side
  FROM known AS k
  JOIN sums AS s USING (region_code, survey, concept)
  JOIN expected AS e ON e.whole = region_code AND e.survey = k.survey AND e.n = s.n
  WHERE k.low > s.high + k.tolerance OR k.high < s.low - k.tolerance
),
explained AS (
  SELECT DISTINCT s.region_code, s.survey, s.concept
  FROM broken_sums AS s
  JOIN parts AS p ON p.whole = s.region_code AND p.weight = 1
  JOIN inner_broken AS b ON b.region_code = p.region_code AND b.survey = s.survey AND b.concept = s.concept
),
-- Members that also break an identity of their own; a province may break the sum of its regencies.
suspects AS (
  SELECT region_code, survey, concept FROM inner_broken
  UNION
  SELECT region_code, survey, concept FROM unit_changes
  UNION
  SELECT region_code, survey, concept FROM broken_sums ANTI JOIN explained USING (region_code, survey, concept)
),
accused AS (
  SELECT s.* REPLACE (p.region_code AS region_code), s.region_code AS whole
  FROM broken_sums AS s
  JOIN parts AS p ON p.whole = s.region_code AND p.weight = 1
  JOIN suspects AS x ON x.region_code = p.region_code AND x.survey = s.survey AND x.concept = s.concept
)
SELECT code, region_code, survey, concept, left_side, right_side, 'disputed' AS verdict, true AS is_listed FROM accused
UNION ALL
SELECT s.*, 'disputed', true FROM broken_sums AS s
ANTI JOIN accused AS a ON a.whole = s.region_code AND a.survey = s.survey AND a.concept = s.concept
