-- One row per month's end with participants and office: is it awaited, has it reported, what stands in for
-- it.
--
-- as_of          every month's end for which any office has reported, up to the business date
-- office_code    every office of reference.offices or that has exported
-- is_expected    it has reported, or it is open at as_of and had memberships in its last month before
-- has_reported   it has memberships of this month
-- is_open        open at as_of by reference.offices
-- last_as_of     its last month's end before as_of with memberships, however old; null if there is none
-- carried_as_of  expected, not reported, and last_as_of is at most three months old: the month whose
--                memberships stand in for it in totals, never in its own row; null otherwise
--
-- An office that stays silent for longer stays expected, and totals over it partial, until it is closed
-- (reference.offices.valid_to): nothing falls out of a total unseen.
WITH reported AS (
  SELECT DISTINCT month_end(period) AS as_of, office_code
  FROM partials.exports
  WHERE month_end(period) <= getvariable('as_of')
),
months AS (SELECT DISTINCT as_of FROM reported),
offices AS (
  SELECT office_code FROM reference.offices
  UNION
  SELECT office_code FROM reported
),
open_months AS (
  SELECT DISTINCT months.as_of, office.office_code
  FROM months
  JOIN reference.offices AS office ON is_valid_on(months.as_of, office.valid_from, office.valid_to)
),
last_months AS (
  SELECT months.as_of, reported.office_code, max(reported.as_of) AS last_as_of
  FROM months
  JOIN reported ON reported.as_of < months.as_of
  GROUP BY months.as_of, reported.office_code
),
reports AS (
  SELECT
    months.as_of,
    offices.office_code,
    reported.office_code IS NOT NULL AS has_reported,
    open_months.office_code IS NOT NULL AS is_open,
    last_months.last_as_of
  FROM months
  CROSS JOIN offices
  LEFT JOIN reported ON reported.as_of = months.as_of AND reported.office_code = offices.office_code
  LEFT JOIN open_months ON open_months.as_of = months.as_of AND open_months.office_code = offices.office_code
  LEFT JOIN last_months ON last_months.as_of = months.as_of AND last_months.office_code = offices.office_code
)
SELECT
  as_of,
  office_code,
  has_reported OR (is_open AND last_as_of IS NOT NULL) AS is_expected,
  has_reported,
  is_open,
  last_as_of,
  CASE
    WHEN is_open AND NOT has_reported AND months_between(last_as_of, as_of) <= 3 THEN last_as_of
  END AS carried_as_of
FROM reports
