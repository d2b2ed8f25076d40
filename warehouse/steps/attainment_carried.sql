-- Memberships that stand in for a silent office's month in totals of stocks, by segment and basis: as in coverage, one
-- that another office reports for the month is not carried too.
SELECT as_of, office_code, segment, basis, carried
FROM (
  SELECT
    as_of,
    office_code,
    coalesce(segment, 'ALL') AS segment,
    count(*) AS registered_stock,
    count(*) FILTER (is_active) AS active_stock,
    count(*) FILTER (is_protected) AS protected_stock
  FROM steps.carried_memberships
  GROUP BY GROUPING SETS ((as_of, office_code, segment), (as_of, office_code))
)
UNPIVOT (carried FOR basis IN (registered_stock, active_stock, protected_stock))
