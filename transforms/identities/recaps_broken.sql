-- Figures of recaps that contradict each other, one row per disputed figure, from the relation `loaded`.
-- Compared are figures of one saying: as_of, place, measure, source_kind and source text. A percentage is no count.
WITH said AS (
  SELECT
    as_of, place_code, segment, basis, measure, source_kind, source, value, qualifier,
    struct_pack(as_of, place_code, measure, source_kind, family := lower(trim(source))) AS saying,
    CASE qualifier WHEN 'eq' THEN '' ELSE qualifier || ' ' END || CAST(CAST(value AS BIGINT) AS VARCHAR) AS figure,
    CASE qualifier
      WHEN 'approx' THEN CAST(power(10, length(figure) - length(rtrim(figure, '0'))) / 2 AS DECIMAL(20, 4)) ELSE 0
    END AS slack,
    CASE WHEN qualifier IN ('le', 'lt') THEN 0 ELSE value - slack END AS low,
    CASE WHEN qualifier IN ('ge', 'gt') THEN 1e14::DECIMAL(20, 4) ELSE value + slack END AS high
  FROM loaded
  WHERE measure <> 'percent'
),
-- PU, BPU and JAKON make the whole (a whole seldom names PMI); where one of them is absent the sum is a lower bound.
segment_sums AS (
  SELECT
    saying, basis, sum(low) AS low,
    CASE WHEN count(*) FILTER (segment <> 'PMI') = 3 THEN sum(high) ELSE 1e14::DECIMAL(20, 4) END AS high,
    string_agg(segment || ' ' || figure, ' + ' ORDER BY segment) AS right_side
  FROM said
  WHERE segment <> 'ALL'
  GROUP BY ALL
),
broken_totals AS (
  SELECT 'segments_sum' AS code, t.*, 'ALL ' || t.figure AS left_side, s.right_side
  FROM said AS t JOIN segment_sums AS s USING (saying, basis)
  WHERE t.segment = 'ALL' AND (t.low > s.high OR t.high < s.low)
),
-- Registered holds active, and active holds protected: the whole is the one that is disputed.
nested AS (
  FROM (VALUES
    ('registered_stock', 'active_stock'), ('active_stock', 'protected_stock'), ('registered_stock', 'protected_stock')
  ) AS t (whole, part)
),
broken_wholes AS (
  SELECT
    'stock_order' AS code, w.*, w.basis || ' ' || w.figure AS left_side,
    string_agg(p.basis || ' ' || p.figure, ', ' ORDER BY p.basis) AS right_side
  FROM said AS w
  JOIN nested AS n ON n.whole = w.basis
  JOIN said AS p ON p.basis = n.part AND p.saying = w.saying AND p.segment = w.segment
  WHERE w.high < p.low
  GROUP BY ALL
)
SELECT
  code, place_code, CAST(year(as_of) AS BIGINT) AS year, segment || ' ' || basis AS concept, 'disputed' AS verdict,
  left_side, right_side, true AS is_listed, as_of, segment, basis, measure, source_kind, source
FROM (FROM broken_totals UNION ALL FROM broken_wholes)
