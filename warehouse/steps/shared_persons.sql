-- Persons who hold more than one membership at a month's end, carried ones included, and the one place where
-- they count: the domicile of the membership last paid; ties PU, JAKON, BPU, PMI, then membership_id.
-- Whoever holds one membership counts where that one says, and is not in here.
WITH counted AS (
  SELECT as_of, person_id, membership_id, segment, last_paid_period, regency_code, province_code
  FROM steps.participant_months
  UNION ALL
  SELECT as_of, person_id, membership_id, segment, last_paid_period, regency_code, province_code
  FROM steps.carried_memberships
),
holders AS (
  SELECT as_of, person_id
  FROM counted
  GROUP BY as_of, person_id
  HAVING count(*) > 1
)
SELECT counted.as_of, counted.person_id, counted.regency_code, counted.province_code
FROM counted
SEMI JOIN holders ON holders.as_of = counted.as_of AND holders.person_id = counted.person_id
QUALIFY row_number() OVER (
  PARTITION BY counted.as_of, counted.person_id
  ORDER BY
    counted.last_paid_period DESC NULLS LAST,
    list_position(['PU', 'JAKON', 'BPU', 'PMI'], counted.segment),
    counted.membership_id
) = 1
