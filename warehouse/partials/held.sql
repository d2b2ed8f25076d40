-- Memberships as persons hold them: the rows of `chosen`, data files that count in a month.
SELECT
  counted.file,
  counted.is_carried,
  counted.rank AS file_rank,
  member.office_code,
  member.membership_id,
  member.person_id,
  member.segment,
  left(member.region_code, 4) AS place_code,
  member.last_paid_period,
  coalesce(member.last_paid_period > rules.lapsed_period, false) AS is_active,
  coalesce(member.last_paid_period >= member.period, false) AS is_protected,
  rules.status_rule
FROM chosen AS member
JOIN counted_files AS counted USING (path)
LEFT JOIN partials.rules AS rules ON rules.period = member.period AND rules.segment = member.segment
