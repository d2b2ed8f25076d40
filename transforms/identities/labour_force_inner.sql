-- Sums within one region that are broken, one row per figure that takes part, from the relation `figures`.
WITH known AS (SELECT * FROM figures WHERE NOT is_missing),
terms AS (
  FROM (VALUES
    ('labour_force_sum', 'labour_force', 'employed'), ('labour_force_sum', 'labour_force', 'unemployed'),
    ('status_sum', 'employed', 'employed_formal'), ('status_sum', 'employed', 'employed_informal')
  ) AS t (code, total, part)
),
part_sums AS (
  SELECT code, total, region_code, survey, sum(low) AS low, sum(high) AS high
  FROM known JOIN terms ON concept = part
  GROUP BY ALL
  HAVING count(*) = 2
),
sums AS (
  SELECT
    p.code, p.total, region_code, survey, total || ' ' || k.figure AS left_side,
    k.low > p.high + k.tolerance OR k.high < p.low - k.tolerance AS is_broken
  FROM part_sums AS p JOIN known AS k USING (region_code, survey)
  WHERE k.concept = p.total
),
sides AS (
  SELECT
    s.code, s.total, s.region_code, s.survey, s.left_side,
    string_agg(t.part || ' ' || k.figure, ' + ' ORDER BY t.part) AS right_side
  FROM sums AS s
  JOIN terms AS t USING (code)
  JOIN known AS k ON k.region_code = s.region_code AND k.survey = s.survey AND k.concept = t.part
  WHERE s.is_broken
  GROUP BY ALL
),
-- Every figure that takes part in a broken sum of its own region, and its own years beside that one.
blamed AS (
  SELECT s.*, m.concept, k.value, k.own_sums, k.series, k.era, k.year
  FROM sides AS s
  JOIN (SELECT DISTINCT code, unnest([total, part]) AS concept FROM terms) AS m USING (code)
  JOIN known AS k ON k.region_code = s.region_code AND k.survey = s.survey AND k.concept = m.concept
),
beside AS (
  SELECT
    b.code, b.region_code, b.survey, b.concept,
    max_by(k.value, k.about) FILTER (k.year < b.year) AS year_before,
    min_by(k.value, k.about) FILTER (k.year > b.year) AS year_after
  FROM blamed AS b
  JOIN known AS k
    ON k.region_code = b.region_code AND k.concept = b.concept AND k.series = b.series AND k.era = b.era
    AND k.year IN (b.year - 1, b.year + 1)
  WHERE k.value > 0
  GROUP BY ALL
),
-- What else is known of a part from within: the sum of its own parts here, and in the wide row of its own file.
own AS (
  SELECT
    b.*, coalesce(n.year_before, n.year_after) AS neighbour,
    coalesce(s.is_broken, false) OR coalesce(b.own_sums = 'differ', false) AS is_own_broken,
    coalesce(NOT s.is_broken, false) OR coalesce(b.own_sums IN ('hold', 'repaired'), false) AS is_own_sound
  FROM blamed AS b
  LEFT JOIN beside AS n USING (code, region_code, survey, concept)
  LEFT JOIN sums AS s
    ON s.region_code = b.region_code AND s.survey = b.survey AND s.total = b.concept AND s.code <> b.code
)
-- A part stays usable where its inner sums hold and it is within 15 % of the year before (or, without one, after).
SELECT
  code, region_code, survey, concept, left_side, right_side,
  CASE
    WHEN concept = total OR is_own_broken THEN 'disputed'
    WHEN neighbour IS NULL AND NOT is_own_sound THEN 'disputed'
    WHEN abs(value - neighbour) > 0.15 * neighbour THEN 'disputed'
    ELSE 'usable'
  END AS verdict,
  true AS is_listed
FROM own
