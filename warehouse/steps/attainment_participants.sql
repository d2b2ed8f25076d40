-- Memberships of every office that has reported a month's end, by segment and basis.
--
-- as_of, office_code   the month's end and the office that exported it
-- segment              PU BPU JAKON PMI ALL
-- basis                active_stock registered_stock protected_stock new_ytd
-- actual               memberships, distinct within the office: a fact, so 0 where the office reported and has none
-- source_key           the export
--
-- new_ytd adds up, over the months of the year, the memberships that the office's export holds for the first time
-- and that were registered in that year; the segment is the one of that first month.
-- A segment starts with the first month in which the office has it; one with a target of the office's at once.
WITH counted AS (
  SELECT
    as_of,
    office_code,
    coalesce(segment, 'ALL') AS segment,
    sum(memberships) AS registered_stock,
    coalesce(sum(memberships) FILTER (is_active), 0) AS active_stock,
    coalesce(sum(memberships) FILTER (is_protected), 0) AS protected_stock
  FROM steps.counted_cells
  WHERE NOT is_carried
  GROUP BY GROUPING SETS ((as_of, office_code, segment), (as_of, office_code))
),
arrivals AS (
  SELECT month_end(period) AS as_of, office_code, coalesce(segment, 'ALL') AS segment, sum(memberships) AS arrived
  FROM partials.arrivals
  GROUP BY GROUPING SETS ((period, office_code, segment), (period, office_code))
),
exports AS (
  SELECT month_end(period) AS as_of, office_code, min(source_key) AS source_key
  FROM partials.exports
  WHERE month_end(period) <= getvariable('as_of')
  GROUP BY period, office_code
),
segments AS (
  SELECT office_code, segment, min(as_of) AS starts FROM counted GROUP BY office_code, segment
  UNION ALL
  SELECT office_code, segment, DATE '0001-01-01' FROM core.targets WHERE region_code IS NULL
),
grid AS (
  SELECT DISTINCT exports.as_of, exports.office_code, segments.segment, exports.source_key
  FROM exports
  JOIN segments ON segments.office_code = exports.office_code AND segments.starts <= exports.as_of
),
filled AS (
  SELECT
    grid.as_of,
    grid.office_code,
    grid.segment,
    grid.source_key,
    coalesce(counted.registered_stock, 0) AS registered_stock,
    coalesce(counted.active_stock, 0) AS active_stock,
    coalesce(counted.protected_stock, 0) AS protected_stock,
    CAST(sum(coalesce(arrivals.arrived, 0)) OVER (
      PARTITION BY grid.office_code, grid.segment, year(grid.as_of) ORDER BY grid.as_of
    ) AS BIGINT) AS new_ytd
  FROM grid
  LEFT JOIN counted USING (as_of, office_code, segment)
  LEFT JOIN arrivals USING (as_of, office_code, segment)
)
SELECT as_of, office_code, segment, basis, actual, source_key
FROM filled
UNPIVOT (actual FOR basis IN (registered_stock, active_stock, protected_stock, new_ytd))
