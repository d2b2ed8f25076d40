-- Memberships that an office has in both months.
SELECT
  office_code AS office_before,
  segment_before,
  active_before,
  office_code,
  segment,
  is_active,
  count(*) AS memberships
FROM paired
WHERE segment_before IS NOT NULL AND segment IS NOT NULL
GROUP BY ALL
