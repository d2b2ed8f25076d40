-- Distinct persons and memberships from participants, by place, segment (and ALL) and basis. Nation,
-- provinces and regencies count by domicile, offices what they booked themselves, Kanwil what their
-- offices booked. Nation, provinces, regencies and Kanwil include carried memberships, an office's own row
-- never does.
--
-- Where a person has one membership, persons are memberships; partials.shared says what the others change.
WITH counted AS (
  SELECT
    as_of,
    office_code,
    place_code,
    segment,
    status_rule,
    sum(memberships) AS registered,
    coalesce(sum(memberships) FILTER (is_active), 0) AS active,
    coalesce(sum(memberships) FILTER (is_protected), 0) AS protected,
    coalesce(sum(memberships) FILTER (NOT is_carried), 0) AS reported_registered,
    coalesce(sum(memberships) FILTER (is_active AND NOT is_carried), 0) AS reported_active,
    coalesce(sum(memberships) FILTER (is_protected AND NOT is_carried), 0) AS reported_protected
  FROM steps.counted_cells
  GROUP BY ALL
),
shared AS (
  SELECT month_end(month) AS as_of, * EXCLUDE (month) FROM partials.shared
),
by_place AS (
  SELECT *, false AS of_persons FROM (
    SELECT * EXCLUDE (office_code) FROM counted
    UNION ALL BY NAME
    SELECT * EXCLUDE (kind, code), code AS place_code FROM shared WHERE kind = 'cell'
  )
  UNION ALL BY NAME
  SELECT * EXCLUDE (kind, code), code AS place_code, true AS of_persons FROM shared WHERE kind = 'place'
),
placed AS (
  SELECT by_place.*, place.regency_code, place.province_code
  FROM by_place
  LEFT JOIN steps.member_places AS place USING (place_code)
),
by_office AS (
  SELECT counted.* EXCLUDE (place_code), false AS of_persons FROM counted
  UNION ALL BY NAME
  SELECT * EXCLUDE (kind, code), code AS office_code, true AS of_persons FROM shared WHERE kind = 'office'
),
levels AS (
  SELECT 'national' AS geo_level, '0000' AS geo_code, * EXCLUDE (place_code, regency_code, province_code) FROM placed
  UNION ALL BY NAME
  SELECT
    'province' AS geo_level, coalesce(province_code, 'unallocated') AS geo_code,
    * EXCLUDE (place_code, regency_code, province_code)
  FROM placed
  UNION ALL BY NAME
  SELECT
    'regency' AS geo_level, coalesce(regency_code, 'unallocated') AS geo_code,
    * EXCLUDE (place_code, regency_code, province_code)
  FROM placed
  UNION ALL BY NAME
  SELECT
    'office' AS geo_level, office_code AS geo_code,
    * EXCLUDE (office_code) REPLACE (reported_registered AS registered, reported_active AS active, reported_protected AS protected)
  FROM by_office
  UNION ALL BY NAME
  SELECT 'kanwil' AS geo_level, office.kanwil_code AS geo_code, counted.* EXCLUDE (place_code, office_code), false AS of_persons
  FROM counted
  JOIN steps.office_versions AS office USING (as_of, office_code)
  WHERE office.kanwil_code IS NOT NULL
  UNION ALL BY NAME
  SELECT 'kanwil' AS geo_level, code AS geo_code, * EXCLUDE (kind, code), true AS of_persons FROM shared WHERE kind = 'kanwil'
),
by_rule AS (
  SELECT
    as_of, geo_level, geo_code, segment, status_rule, of_persons,
    sum(registered) AS registered,
    sum(active) AS active,
    sum(protected) AS protected,
    sum(reported_registered) AS reported_registered,
    sum(reported_active) AS reported_active,
    sum(reported_protected) AS reported_protected
  FROM levels
  GROUP BY ALL
  HAVING of_persons OR sum(registered) > 0
),
bases AS (
  SELECT *, 'registered_stock' AS basis, registered AS counted, reported_registered AS reported FROM by_rule
  UNION ALL
  SELECT *, 'active_stock', active, reported_active FROM by_rule
  UNION ALL
  SELECT *, 'protected_stock', protected, reported_protected FROM by_rule
),
totals AS (
  SELECT
    as_of,
    geo_level,
    geo_code,
    segment,
    basis,
    min(status_rule) FILTER (NOT of_persons) AS first_rule,
    max(status_rule) FILTER (NOT of_persons) AS last_rule,
    sum(counted) AS numerator,
    sum(reported) AS reported_numerator,
    sum(counted) FILTER (NOT of_persons) AS memberships
  FROM (
    FROM bases
    UNION ALL
    SELECT * REPLACE ('ALL' AS segment) FROM bases WHERE NOT of_persons
  )
  GROUP BY as_of, geo_level, geo_code, segment, basis
)
SELECT
  total.as_of,
  total.geo_level,
  total.geo_code,
  total.segment,
  total.basis,
  total.numerator,
  CASE WHEN total.geo_level IN ('office', 'kanwil') THEN 'booking' ELSE 'domicile' END AS numerator_place,
  total.memberships,
  CASE WHEN total.segment = 'ALL' THEN
    sum(CASE WHEN total.segment <> 'ALL' THEN total.numerator ELSE -total.numerator END) OVER (
      PARTITION BY total.as_of, total.geo_level, total.geo_code, total.basis
    )
  END AS multi_segment_persons,
  CASE
    WHEN total.first_rule = total.last_rule THEN total.first_rule ELSE 'grace-by-segment'
  END AS status_rule,
  total.numerator - total.reported_numerator AS carried_numerator
FROM totals AS total
