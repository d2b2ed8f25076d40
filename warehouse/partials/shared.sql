-- What persons with several memberships change in the counts of memberships of `held`, all rows of each of them.
--
-- They count once, at the domicile of the membership last paid; ties PU, JAKON, BPU, PMI, then membership_id.
-- kind         cell     memberships that count at another place than their own: taken away there, added here
--              place    persons who count at a place, less their memberships there
--              office   persons of an office's own bookings, less those
--              kanwil   persons of the bookings of a Kanwil's offices, less those
--              persons  how many persons hold several memberships: registered, with reported_registered memberships
-- code         of the place, the office or the Kanwil
-- segment      of the memberships; ALL for persons over all segments
WITH several AS (
  SELECT person_id, row_number() OVER () AS person
  FROM held
  GROUP BY person_id
  HAVING count(*) > 1
),
ranked AS (
  SELECT
    several.person,
    held.office_code,
    kanwil.kanwil_code,
    held.segment,
    held.place_code AS own_place,
    held.is_active,
    held.is_protected,
    held.is_carried,
    held.status_rule,
    first_value(held.place_code) OVER (
      PARTITION BY several.person
      ORDER BY
        held.last_paid_period DESC NULLS LAST,
        list_position(['PU', 'JAKON', 'BPU', 'PMI'], held.segment),
        held.membership_id
    ) AS place
  FROM held
  JOIN several USING (person_id)
  LEFT JOIN kanwil ON kanwil.office_code = held.office_code
),
keyed AS (
  SELECT 'place' AS kind, place AS code, * FROM ranked
  UNION ALL
  SELECT 'kanwil', kanwil_code, * FROM ranked WHERE kanwil_code IS NOT NULL
  UNION ALL
  SELECT 'office', office_code, * FROM ranked WHERE NOT is_carried
),
persons AS (
  SELECT
    kind,
    code,
    coalesce(segment, 'ALL') AS segment,
    count(*) AS registered,
    count(*) FILTER (is_active) AS active,
    count(*) FILTER (is_protected) AS protected,
    count(*) FILTER (NOT is_carried) AS reported_registered,
    count(*) FILTER (is_active AND NOT is_carried) AS reported_active,
    count(*) FILTER (is_protected AND NOT is_carried) AS reported_protected
  FROM keyed
  GROUP BY GROUPING SETS ((person, kind, code, segment), (person, kind, code))
  HAVING count(*) > 1
),
moved AS (
  SELECT *, own_place AS code, -1 AS one FROM ranked WHERE own_place IS DISTINCT FROM place
  UNION ALL
  SELECT *, place, 1 FROM ranked WHERE own_place IS DISTINCT FROM place
)
SELECT
  kind,
  code,
  segment,
  NULL AS status_rule,
  sum(least(registered, 1) - registered) AS registered,
  sum(least(active, 1) - active) AS active,
  sum(least(protected, 1) - protected) AS protected,
  sum(least(reported_registered, 1) - reported_registered) AS reported_registered,
  sum(least(reported_active, 1) - reported_active) AS reported_active,
  sum(least(reported_protected, 1) - reported_protected) AS reported_protected
FROM persons
GROUP BY kind, code, segment
UNION ALL
SELECT
  'cell',
  code,
  segment,
  status_rule,
  sum(one),
  coalesce(sum(one) FILTER (is_active), 0),
  coalesce(sum(one) FILTER (is_protected), 0),
  coalesce(sum(one) FILTER (NOT is_carried), 0),
  coalesce(sum(one) FILTER (is_active AND NOT is_carried), 0),
  coalesce(sum(one) FILTER (is_protected AND NOT is_carried), 0)
FROM moved
GROUP BY code, segment, status_rule
UNION ALL
SELECT 'persons', NULL, 'ALL', NULL, count(DISTINCT person), 0, 0, count(*), 0, 0
FROM ranked
