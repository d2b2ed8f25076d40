-- Memberships that an office's exports, the rows of `members`, hold for the first time with a date of registration in
-- the year of the export. The segment is the one of that month.
WITH first_months AS (
  SELECT office_code, membership_id, min(period) AS period, arg_min(segment, period) AS segment
  FROM members
  WHERE year(registered_date) = CAST(left(period, 4) AS INTEGER)
  GROUP BY office_code, membership_id
)
SELECT office_code, period, segment, count(*) AS memberships
FROM first_months
GROUP BY office_code, period, segment
