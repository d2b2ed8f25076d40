-- What lies where: the slots of each regency of each office, its trades, its villages, and the next office's first cell.
CREATE TABLE cells AS
WITH trades AS (
  UNPIVOT workers ON a, b, c, d, e, f, g, h, i, j, k, l, mn, o, p, q, rstu INTO NAME trade VALUE workers
),
ordered AS (
  SELECT
    region_code, upper(left(trade, 1)) AS letter,
    round(64 * sum(workers) OVER upto / sum(workers) OVER (PARTITION BY region_code))::INTEGER AS ends,
    round(64 * (sum(workers) OVER upto - workers) / sum(workers) OVER (PARTITION BY region_code))::INTEGER AS begins
  FROM trades
  WINDOW upto AS (PARTITION BY region_code ORDER BY trade)
),
mixes AS (
  SELECT region_code, string_agg(repeat(letter, ends - begins), '' ORDER BY letter) AS sectors
  FROM ordered GROUP BY region_code
),
villages_of AS (
  SELECT left(region_code, 4) AS region_code, list(region_code ORDER BY region_code) AS villages
  FROM reference.regions WHERE level = 'village' AND valid_to IS NULL GROUP BY ALL
),
placed AS (
  SELECT
    *,
    coalesce(lead(region_code) OVER (ORDER BY cell_no), first_value(region_code) OVER (ORDER BY cell_no)) AS far_region
  FROM served
),
heads AS (
  SELECT office_no, arg_min(region_code, cell_no) AS region_code, arg_min(far_region, cell_no) AS far_region,
    arg_min(first_slot, cell_no) AS first_slot, arg_min(end_slot, cell_no) AS end_slot
  FROM placed GROUP BY office_no
)
SELECT
  placed.*, mixes.sectors, coalesce(villages_of.villages, []) AS villages,
  heads.region_code AS next_region, heads.far_region AS next_far_region,
  -- Second memberships elsewhere are those of slots 8, 41, 74 …: see people.sql.
  (heads.first_slot + 32) // 33 * 33 AS next_first, heads.end_slot AS next_end
FROM placed
JOIN mixes USING (region_code)
LEFT JOIN villages_of USING (region_code)
JOIN heads ON heads.office_no = (placed.office_no + 1) % (SELECT max(office_no) + 1 FROM served)
ORDER BY cell_no
