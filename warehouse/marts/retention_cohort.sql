-- Of the memberships that were registered in a month, how many are still active so many months later.
--
-- acquired_in         the month of registered_date. The cohort is whoever the exports of that very month hold with a
--                     registration in it; who is entered later belongs to no cohort, so that nobody joins one
-- acquisition_channel, acquisition_funding   as exported in that month; unknown where the office does not say
-- members_at_start    memberships of the cohort, active or not: the same at every age
-- still_registered    of them, in the export of any office at as_of
-- still_active        of them, active at as_of by the rule of grace; whoever moved to another office is followed
-- retention_pct       still_active of members_at_start, 0 to 100
-- is_partial          an office that is awaited has not reported the month at the start or the one at as_of: counts are
--                     what has come in, and there is no share. Nothing is carried
--
-- Cohorts begin with the first month that any office exported, and are followed for 24 months.
WITH months AS (
  SELECT as_of, strftime(as_of, '%Y-%m') AS month, bool_or(is_expected AND NOT has_reported) AS is_partial
  FROM steps.office_reports
  GROUP BY as_of
),
starts AS (
  SELECT month AS acquired_in, channel, funding, sum(memberships) AS members_at_start
  FROM partials.started
  GROUP BY ALL
),
counted AS (
  SELECT month, month AS acquired_in, channel, funding, is_active, memberships FROM partials.started
  UNION ALL BY NAME
  SELECT month, acquired_in, channel, funding, is_active, memberships FROM partials.retained
),
still AS (
  SELECT
    month,
    acquired_in,
    channel,
    funding,
    sum(memberships) AS registered,
    coalesce(sum(memberships) FILTER (is_active), 0) AS active
  FROM counted
  GROUP BY ALL
)
SELECT
  starts.acquired_in,
  starts.channel AS acquisition_channel,
  starts.funding AS acquisition_funding,
  months_between(first_month.as_of, months.as_of) AS age_months,
  months.as_of,
  starts.members_at_start,
  coalesce(still.registered, 0) AS still_registered,
  coalesce(still.active, 0) AS still_active,
  CASE
    WHEN NOT first_month.is_partial AND NOT months.is_partial
      THEN percent_of(coalesce(still.active, 0), starts.members_at_start, 'eq')
  END AS retention_pct,
  first_month.is_partial OR months.is_partial AS is_partial,
  CASE
    WHEN first_month.is_partial OR months.is_partial THEN 'partial'
    WHEN is_frozen(months.as_of, getvariable('as_of')) THEN 'final'
    ELSE 'provisional'
  END AS value_status
FROM starts
JOIN months AS first_month ON first_month.month = starts.acquired_in
JOIN months
  ON months.as_of >= first_month.as_of AND months_between(first_month.as_of, months.as_of) <= 24
LEFT JOIN still
  ON still.month = months.month
  AND still.acquired_in = starts.acquired_in
  AND still.channel = starts.channel
  AND still.funding = starts.funding
