-- What became of cohorts, `cohorts`, in the exports of a later month, `members`.
SELECT
  start.file AS start_file,
  start.acquired_in,
  start.channel,
  start.funding,
  file.file,
  coalesce(member.last_paid_period > rules.lapsed_period, false) AS is_active,
  count(*) AS memberships
FROM members AS member
JOIN cohorts AS start ON start.membership_id = member.membership_id
JOIN partials.files AS file USING (path)
LEFT JOIN partials.rules AS rules ON rules.period = member.period AND rules.segment = member.segment
GROUP BY ALL
