-- How complete each total is: offices that had memberships there in the month or in their last one before.
-- completeness: complete (all reported), carried (the missing ones are carried), partial (some are not).
WITH presences AS (
  SELECT DISTINCT month_end(cell.month) AS as_of, cell.office_code, place.regency_code, place.province_code
  FROM partials.cells AS cell
  LEFT JOIN steps.member_places AS place USING (place_code)
),
expected AS (
  SELECT
    report.as_of,
    report.office_code,
    report.has_reported,
    report.has_reported OR report.carried_as_of IS NOT NULL AS is_counted,
    presence.regency_code,
    presence.province_code
  FROM steps.office_reports AS report
  JOIN presences AS presence
    ON presence.office_code = report.office_code
    AND (presence.as_of = report.as_of OR presence.as_of = report.last_as_of)
  WHERE report.is_expected
),
places AS (
  SELECT as_of, 'national' AS geo_level, '0000' AS geo_code, office_code, has_reported, is_counted
  FROM expected
  UNION
  SELECT as_of, 'province', coalesce(province_code, 'unallocated'), office_code, has_reported, is_counted
  FROM expected
  UNION
  SELECT as_of, 'regency', coalesce(regency_code, 'unallocated'), office_code, has_reported, is_counted
  FROM expected
  UNION
  SELECT
    expected.as_of, 'kanwil', office.kanwil_code, expected.office_code, expected.has_reported,
    expected.is_counted
  FROM expected
  JOIN steps.office_versions AS office
    ON office.as_of = expected.as_of AND office.office_code = expected.office_code
  WHERE office.kanwil_code IS NOT NULL
)
SELECT
  as_of,
  geo_level,
  geo_code,
  count(*) AS offices_expected,
  count(*) FILTER (has_reported) AS offices_reported,
  CASE
    WHEN bool_and(has_reported) THEN 'complete'
    WHEN bool_and(is_counted) THEN 'carried'
    ELSE 'partial'
  END AS completeness
FROM places
GROUP BY as_of, geo_level, geo_code
