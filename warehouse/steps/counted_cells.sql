-- Memberships counted at a month's end, as many as there are: what offices have exported, and what is carried for
-- those that are late. A carried membership that another office reports, or carries from a newer month, is taken away.
--
-- place_code     the domicile down to the regency, each membership's own
-- is_active      fewer than the months of grace unpaid at the end of the month that the row comes from
-- is_protected   paid for that month itself
-- is_carried     comes from an earlier month of an office that is late; counts in totals, never in the office's own row
WITH signed AS (
  SELECT
    month_end(month) AS as_of, office_code, segment, place_code, is_active, is_protected, status_rule,
    false AS is_carried, memberships
  FROM partials.cells
  WHERE month_end(month) <= getvariable('as_of')
  UNION ALL
  SELECT
    report.as_of, cell.office_code, cell.segment, cell.place_code, cell.is_active, cell.is_protected,
    cell.status_rule, true, cell.memberships
  FROM steps.office_reports AS report
  JOIN partials.cells AS cell
    ON cell.office_code = report.office_code AND month_end(cell.month) = report.carried_as_of
  UNION ALL
  SELECT month_end(month), office_code, segment, place_code, is_active, is_protected, status_rule, true, -1
  FROM partials.dropped
)
SELECT
  as_of, office_code, segment, place_code, is_active, is_protected, status_rule, is_carried,
  CAST(sum(memberships) AS BIGINT) AS memberships
FROM signed
GROUP BY ALL
HAVING sum(memberships) <> 0
