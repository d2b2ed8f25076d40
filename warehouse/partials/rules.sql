-- The rule of grace that holds for each segment at each month's end, and the month from which back nobody is active;
-- also of the months that may stand in for a missing one.
SELECT
  months.period,
  segment.segment,
  grace.rule AS status_rule,
  strftime(
    CAST(months.period || '-01' AS DATE) - to_months(CAST(grace.grace_months AS INTEGER)), '%Y-%m'
  ) AS lapsed_period
FROM (
  SELECT DISTINCT strftime(CAST(file.period || '-01' AS DATE) - to_months(CAST(back.months AS INTEGER)), '%Y-%m') AS period
  FROM partials.files AS file
  CROSS JOIN range(4) AS back(months)
) AS months
CROSS JOIN (SELECT DISTINCT dated.segment FROM reference.grace AS dated) AS segment
LEFT JOIN reference.grace AS grace
  ON grace.segment = segment.segment
  AND is_valid_on(month_end(months.period), grace.valid_from, grace.valid_to)
QUALIFY row_number() OVER (
  PARTITION BY months.period, segment.segment ORDER BY grace.valid_from DESC NULLS LAST, grace.rule
) = 1
