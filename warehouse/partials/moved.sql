-- Memberships that one office had in the first month and another one has in the second.
SELECT
  before.office_code AS office_before,
  before.segment_before,
  before.active_before,
  now.office_code,
  now.segment,
  now.is_active,
  count(*) AS memberships
FROM left_over AS before
JOIN left_over AS now ON now.membership_id = before.membership_id
WHERE before.segment IS NULL AND now.segment_before IS NULL
GROUP BY ALL
