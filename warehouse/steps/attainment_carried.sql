-- Memberships that stand in for a silent office's month in totals of stocks, by segment and basis: as in coverage, one
-- that another office reports for the month is not carried too.
SELECT as_of, office_code, segment, basis, carried
FROM (
  SELECT
    as_of,
    office_code,
    coalesce(segment, 'ALL') AS segment,
    sum(memberships) AS registered_stock,
    coalesce(sum(memberships) FILTER (is_active), 0) AS active_stock,
    coalesce(sum(memberships) FILTER (is_protected), 0) AS protected_stock
  FROM steps.counted_cells
  WHERE is_carried
  GROUP BY GROUPING SETS ((as_of, office_code, segment), (as_of, office_code))
)
UNPIVOT (carried FOR basis IN (registered_stock, active_stock, protected_stock))
