-- Memberships of offices in `members`, which holds two months: as they were in the first and as they are in the second.
-- Both sides are filled where the office exported the membership in both months.
WITH listed AS (
  SELECT
    member.office_code,
    member.membership_id,
    member.segment,
    coalesce(member.last_paid_period > rules.lapsed_period, false) AS is_active,
    member.period = getvariable('second_month') AS is_second
  FROM members AS member
  LEFT JOIN partials.rules AS rules ON rules.period = member.period AND rules.segment = member.segment
)
SELECT
  coalesce(before.office_code, now.office_code) AS office_code,
  coalesce(before.membership_id, now.membership_id) AS membership_id,
  before.segment AS segment_before,
  before.is_active AS active_before,
  now.segment,
  now.is_active
FROM (SELECT * FROM listed WHERE NOT is_second) AS before
FULL JOIN (SELECT * FROM listed WHERE is_second) AS now
  ON now.office_code = before.office_code AND now.membership_id = before.membership_id
