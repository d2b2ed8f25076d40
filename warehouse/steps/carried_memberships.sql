-- Memberships that stand in for an office's missing month, with the flags of the month that they come
-- from. A membership that another office reports for the month is not carried; of two carried ones the
-- newer counts.
SELECT
  report.as_of,
  member.office_code,
  member.membership_id,
  member.person_id,
  member.segment,
  member.regency_code,
  member.province_code,
  member.last_paid_period,
  member.is_active,
  member.is_protected,
  member.status_rule
FROM steps.office_reports AS report
JOIN steps.participant_months AS member
  ON member.as_of = report.carried_as_of AND member.office_code = report.office_code
ANTI JOIN steps.participant_months AS reported
  ON reported.as_of = report.as_of AND reported.membership_id = member.membership_id
QUALIFY row_number() OVER (
  PARTITION BY report.as_of, member.membership_id ORDER BY report.carried_as_of DESC, member.office_code
) = 1
