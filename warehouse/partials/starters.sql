-- Memberships that were registered in the month of the export: the cohort of that month.
SELECT
  file.file,
  member.membership_id,
  coalesce(member.channel, 'unknown') AS channel,
  coalesce(member.funding, 'unknown') AS funding,
  coalesce(member.last_paid_period > rules.lapsed_period, false) AS is_active
FROM members AS member
JOIN partials.files AS file USING (path)
LEFT JOIN partials.rules AS rules ON rules.period = member.period AND rules.segment = member.segment
WHERE member.registered_date BETWEEN CAST(member.period || '-01' AS DATE) AND month_end(member.period)
