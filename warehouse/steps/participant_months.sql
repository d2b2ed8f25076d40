-- One row per membership and month's end, up to the business date, as its office exported it.
--
-- as_of             the period's last day            period            YYYY-MM
-- office_code       where it is booked               membership_id, person_id   keyed hashes
-- segment           PU BPU JAKON PMI                 region_code       the domicile as loaded, of any level
-- regency_code, province_code   the domicile's; null where it is not known that closely
-- last_paid_period, registered_date                  as loaded
-- is_active         fewer than the months of grace unpaid at the month's end: last paid > period - grace
-- is_protected      paid for the month itself: last_paid_period >= period
-- status_rule       the rule of grace that held then for the segment (reference.grace)
--
-- Being registered is being in the table. Carried months are not in here but in the step carried_memberships.
WITH months AS (
  SELECT DISTINCT period, segment, month_end(period) AS as_of
  FROM core.participants
  WHERE month_end(period) <= getvariable('as_of')
),
rules AS (
  SELECT
    months.as_of,
    months.period,
    months.segment,
    grace.rule AS status_rule,
    strftime(
      CAST(months.period || '-01' AS DATE) - to_months(CAST(grace.grace_months AS INTEGER)), '%Y-%m'
    ) AS lapsed_period
  FROM months
  LEFT JOIN reference.grace AS grace
    ON grace.segment = months.segment AND is_valid_on(months.as_of, grace.valid_from, grace.valid_to)
  QUALIFY row_number() OVER (
    PARTITION BY months.period, months.segment ORDER BY grace.valid_from DESC NULLS LAST, grace.rule
  ) = 1
),
codes AS (SELECT DISTINCT region_code FROM core.participants),
places AS (
  SELECT
    codes.region_code,
    min(regency.region_code) AS regency_code,
    min(coalesce(regency.parent_code, province.region_code)) AS province_code
  FROM codes
  LEFT JOIN reference.regions AS regency
    ON regency.level = 'regency' AND regency.region_code = left(codes.region_code, 4)
  LEFT JOIN reference.regions AS province
    ON province.level = 'province' AND province.region_code = left(codes.region_code, 2)
  GROUP BY codes.region_code
)
SELECT
  rules.as_of,
  member.period,
  member.office_code,
  member.membership_id,
  member.person_id,
  member.segment,
  member.region_code,
  places.regency_code,
  places.province_code,
  member.last_paid_period,
  member.registered_date,
  coalesce(member.last_paid_period > rules.lapsed_period, false) AS is_active,
  coalesce(member.last_paid_period >= member.period, false) AS is_protected,
  rules.status_rule
FROM core.participants AS member
JOIN rules ON rules.period = member.period AND rules.segment = member.segment
LEFT JOIN places ON places.region_code = member.region_code
