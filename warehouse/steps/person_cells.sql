-- Memberships counted at a month's end, as few rows as distinct persons need. person_id is null where a
-- row stands for many persons with one membership each: there, persons are memberships. A row with a
-- person_id is one person's memberships in one office and segment: the person still counts once.
-- regency_code and province_code are the person's place, not each membership's.
WITH counted AS (
  SELECT
    as_of, office_code, person_id, segment, regency_code, province_code, is_active, is_protected, status_rule,
    false AS is_carried
  FROM steps.participant_months
  UNION ALL
  SELECT
    as_of, office_code, person_id, segment, regency_code, province_code, is_active, is_protected, status_rule,
    true AS is_carried
  FROM steps.carried_memberships
)
SELECT
  counted.as_of,
  counted.office_code,
  shared.person_id,
  counted.segment,
  CASE
    WHEN shared.person_id IS NULL THEN counted.regency_code ELSE shared.regency_code
  END AS regency_code,
  CASE
    WHEN shared.person_id IS NULL THEN counted.province_code ELSE shared.province_code
  END AS province_code,
  counted.is_active,
  counted.is_protected,
  counted.is_carried,
  counted.status_rule,
  count(*) AS memberships
FROM counted
LEFT JOIN steps.shared_persons AS shared
  ON shared.as_of = counted.as_of AND shared.person_id = counted.person_id
GROUP BY ALL
