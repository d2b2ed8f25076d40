-- Distinct persons and memberships from participants, by place, segment (and ALL) and basis. Nation,
-- provinces and regencies count by domicile, offices what they booked themselves, Kanwil what their
-- offices booked. Nation, provinces, regencies and Kanwil include carried memberships, an office's own row
-- never does.
WITH cells AS (
  SELECT
    as_of, 'national' AS geo_level, '0000' AS geo_code,
    * EXCLUDE (as_of, office_code, regency_code, province_code)
  FROM steps.person_cells
  UNION ALL
  SELECT
    as_of, 'province', coalesce(province_code, 'unallocated'),
    * EXCLUDE (as_of, office_code, regency_code, province_code)
  FROM steps.person_cells
  UNION ALL
  SELECT
    as_of, 'regency', coalesce(regency_code, 'unallocated'),
    * EXCLUDE (as_of, office_code, regency_code, province_code)
  FROM steps.person_cells
  UNION ALL
  SELECT as_of, 'office', office_code, * EXCLUDE (as_of, office_code, regency_code, province_code)
  FROM steps.person_cells
  WHERE NOT is_carried
  UNION ALL
  SELECT
    cell.as_of, 'kanwil', office.kanwil_code, cell.* EXCLUDE (as_of, office_code, regency_code, province_code)
  FROM steps.person_cells AS cell
  JOIN steps.office_versions AS office ON office.as_of = cell.as_of AND office.office_code = cell.office_code
  WHERE office.kanwil_code IS NOT NULL
),
-- By person where one has several memberships; a null person_id is many persons with one membership each.
persons AS (
  SELECT
    as_of,
    geo_level,
    geo_code,
    person_id,
    coalesce(segment, 'ALL') AS segment,
    person_id IS NOT NULL AS is_one,
    min(status_rule) AS first_rule,
    max(status_rule) AS last_rule,
    sum(memberships) AS registered,
    coalesce(sum(memberships) FILTER (is_active), 0) AS active,
    coalesce(sum(memberships) FILTER (is_protected), 0) AS protected,
    coalesce(sum(memberships) FILTER (NOT is_carried), 0) AS reported_registered,
    coalesce(sum(memberships) FILTER (is_active AND NOT is_carried), 0) AS reported_active,
    coalesce(sum(memberships) FILTER (is_protected AND NOT is_carried), 0) AS reported_protected
  FROM cells
  GROUP BY GROUPING SETS (
    (as_of, geo_level, geo_code, person_id, segment), (as_of, geo_level, geo_code, person_id)
  )
),
bases AS (
  SELECT *, 'registered_stock' AS basis, registered AS counted, reported_registered AS reported FROM persons
  UNION ALL
  SELECT *, 'active_stock', active, reported_active FROM persons
  UNION ALL
  SELECT *, 'protected_stock', protected, reported_protected FROM persons
),
totals AS (
  SELECT
    as_of,
    geo_level,
    geo_code,
    segment,
    basis,
    min(first_rule) AS first_rule,
    max(last_rule) AS last_rule,
    sum(CASE WHEN is_one THEN least(counted, 1) ELSE counted END) AS numerator,
    sum(CASE WHEN is_one THEN least(reported, 1) ELSE reported END) AS reported_numerator,
    sum(counted) AS memberships
  FROM bases
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
