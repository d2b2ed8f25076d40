-- The offices that have a flow of memberships in a month: those that have reported it, and those that are closed by
-- then and had reported the month before.
--
-- has_predecessor  its memberships of the month before are known: it reported them, or it was not open then by
--                  reference.offices, while others reported, and had none
-- offices_missing  offices that are awaited in the month or in the one before and have not reported: who came from or
--                  went to one of them is not known
WITH known AS (
  SELECT
    report.as_of,
    report.office_code,
    report.has_reported,
    report.has_reported
    OR (NOT report.is_open AND report.office_code IN (SELECT office_code FROM reference.offices)) AS is_known,
    report.is_expected AND NOT report.has_reported AS is_missing
  FROM steps.office_reports AS report
),
missing AS (
  SELECT as_of, list(office_code) FILTER (is_missing) AS offices
  FROM known
  GROUP BY as_of
)
SELECT
  now.as_of,
  now.office_code,
  now.has_reported,
  coalesce(before.is_known, false) AS has_predecessor,
  coalesce(len(list_distinct(list_concat(coalesce(missing.offices, []), coalesce(missing_before.offices, [])))), 0)
    AS offices_missing
FROM known AS now
LEFT JOIN known AS before
  ON before.as_of = last_day(now.as_of - to_months(1)) AND before.office_code = now.office_code
LEFT JOIN missing ON missing.as_of = now.as_of
LEFT JOIN missing AS missing_before ON missing_before.as_of = last_day(now.as_of - to_months(1))
WHERE now.has_reported OR (now.is_known AND coalesce(before.has_reported, false))
