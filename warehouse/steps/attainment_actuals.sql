-- One actual per as_of, place, segment, basis and measure: an office's own export where there is one, else a recap.
--
-- Memberships counted from exports answer targets of persons, the default, and of memberships where any is set.
-- covering      true where the figure was counted from an export
-- value_status  disputed where a recap says otherwise beyond its rounding; provisional until the month is frozen, or
--               where as_of is not a month's end
WITH measures AS (
  SELECT DISTINCT segment, meeting_basis(basis) AS basis, measure FROM core.targets WHERE measure = 'memberships'
),
counted AS (
  SELECT * EXCLUDE (source_key), source_key, 'persons' AS measure FROM steps.attainment_participants
  UNION ALL BY NAME
  SELECT * FROM steps.attainment_participants JOIN measures USING (segment, basis)
)
SELECT
  counted.as_of,
  'office' AS geo_level,
  counted.office_code AS geo_code,
  counted.segment,
  counted.basis,
  counted.measure,
  CAST(counted.actual AS DECIMAL(20, 4)) AS actual,
  'eq' AS actual_qualifier,
  'month' AS as_of_precision,
  CAST(NULL AS DATE) AS said_on,
  CASE
    WHEN NOT figures_agree(counted.actual, 'eq', recap.actual, recap.actual_qualifier) THEN 'disputed'
    WHEN is_frozen(counted.as_of, getvariable('as_of')) THEN 'final'
    ELSE 'provisional'
  END AS value_status,
  counted.source_key,
  CASE WHEN recap.actual <> counted.actual THEN format(
    'Rekap menyebut {0} / a recap says {0}', printed(recap.actual)
  ) END AS note,
  true AS covering
FROM counted
LEFT JOIN steps.attainment_recaps AS recap
  ON recap.as_of = counted.as_of
  AND recap.geo_level = 'office'
  AND recap.geo_code = counted.office_code
  AND recap.segment = counted.segment
  AND recap.basis = counted.basis
  AND recap.measure = counted.measure
UNION ALL BY NAME
SELECT
  recap.* REPLACE (
    CAST(recap.actual AS DECIMAL(20, 4)) AS actual,
    worst_status(
      recap.value_status, CASE WHEN recap.as_of < last_day(recap.as_of) THEN 'provisional' END
    ) AS value_status
  ),
  false AS covering
FROM steps.attainment_recaps AS recap
ANTI JOIN (SELECT *, office_code AS geo_code, 'office' AS geo_level FROM counted) AS covered
  ON covered.as_of = recap.as_of
  AND covered.geo_level = recap.geo_level
  AND covered.geo_code = recap.geo_code
  AND covered.segment = recap.segment
  AND covered.basis = recap.basis
  AND enters_ratios(recap.measure)
