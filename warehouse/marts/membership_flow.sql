-- How the active memberships of an office and segment changed from one month's end to the next:
-- opening_active + new_members + reactivated + moved_in - lapsed - exited - moved_out = closing_active.
--
-- opening_active  active in the office's export of the month before; closing_active: in that of the month
-- new_members     active now, and in no export of the month before
-- reactivated     in an export of the month before, not active then, and active now: counted where it is now
-- lapsed          active then, still in an export, and not active any more: counted where it was
-- exited          active then, and in no export now (pension, death, end of work)
-- moved_in, moved_out   active then and now, and in another office or segment: so moves cancel over offices and segments
-- is_partial      a month without its predecessor (opening and all flows are null), or an office that is awaited in
--                 either month has not reported: whoever came from there counts as new, whoever went there as exited,
--                 until its export comes
--
-- Nothing is carried: a late office has no row of its own for the month, as in coverage; in totals its stock is the one
-- of its last month, and so its flow is nought. An office that closed has a last row, in which all have left.
WITH offices AS (
  SELECT *, last_day(as_of - to_months(1)) AS previous_as_of
  FROM steps.flow_offices
),
stocks AS (
  SELECT month_end(month) AS as_of, office_code, segment, coalesce(sum(memberships) FILTER (is_active), 0) AS active
  FROM partials.cells
  GROUP BY ALL
),
moves AS (SELECT *, month_end(month) AS as_of FROM partials.moves),
sides AS (
  SELECT
    as_of,
    office_code,
    segment,
    memberships AS on_both_sides,
    CASE WHEN NOT active_before THEN memberships END AS reactivated,
    CASE
      WHEN active_before AND NOT (office_before = office_code AND segment_before = segment) THEN memberships
    END AS moved_in
  FROM moves
  WHERE is_active
  UNION ALL BY NAME
  SELECT
    as_of,
    office_before AS office_code,
    segment_before AS segment,
    memberships AS had_on_both_sides,
    CASE WHEN NOT is_active THEN memberships END AS lapsed,
    CASE
      WHEN is_active AND NOT (office_before = office_code AND segment_before = segment) THEN memberships
    END AS moved_out
  FROM moves
  WHERE active_before
),
flows AS (
  SELECT
    as_of,
    office_code,
    segment,
    coalesce(sum(on_both_sides), 0) AS on_both_sides,
    coalesce(sum(had_on_both_sides), 0) AS had_on_both_sides,
    coalesce(sum(reactivated), 0) AS reactivated,
    coalesce(sum(moved_in), 0) AS moved_in,
    coalesce(sum(lapsed), 0) AS lapsed,
    coalesce(sum(moved_out), 0) AS moved_out
  FROM sides
  GROUP BY as_of, office_code, segment
),
keys AS (
  SELECT offices.*, stocks.segment
  FROM offices
  JOIN stocks ON stocks.office_code = offices.office_code AND stocks.as_of = offices.as_of
  UNION
  SELECT offices.*, stocks.segment
  FROM offices
  JOIN stocks ON stocks.office_code = offices.office_code AND stocks.as_of = offices.previous_as_of
  WHERE offices.has_predecessor
)
SELECT
  keys.as_of,
  keys.office_code,
  keys.segment,
  office.name AS office_name,
  office.kanwil_code,
  CASE WHEN keys.has_predecessor THEN coalesce(opening.active, 0) END AS opening_active,
  CASE
    WHEN keys.has_predecessor THEN coalesce(closing.active, 0) - coalesce(flows.on_both_sides, 0)
  END AS new_members,
  CASE WHEN keys.has_predecessor THEN coalesce(flows.reactivated, 0) END AS reactivated,
  CASE WHEN keys.has_predecessor THEN coalesce(flows.moved_in, 0) END AS moved_in,
  CASE WHEN keys.has_predecessor THEN coalesce(flows.lapsed, 0) END AS lapsed,
  CASE
    WHEN keys.has_predecessor THEN coalesce(opening.active, 0) - coalesce(flows.had_on_both_sides, 0)
  END AS exited,
  CASE WHEN keys.has_predecessor THEN coalesce(flows.moved_out, 0) END AS moved_out,
  coalesce(closing.active, 0) AS closing_active,
  keys.offices_missing,
  NOT keys.has_predecessor OR keys.offices_missing > 0 AS is_partial,
  CASE
    WHEN NOT keys.has_predecessor OR keys.offices_missing > 0 THEN 'partial'
    WHEN is_frozen(keys.as_of, getvariable('as_of')) THEN 'final'
    ELSE 'provisional'
  END AS value_status
FROM keys
LEFT JOIN stocks AS opening
  ON opening.as_of = keys.previous_as_of AND opening.office_code = keys.office_code AND opening.segment = keys.segment
LEFT JOIN stocks AS closing
  ON closing.as_of = keys.as_of AND closing.office_code = keys.office_code AND closing.segment = keys.segment
LEFT JOIN flows
  ON flows.as_of = keys.as_of AND flows.office_code = keys.office_code AND flows.segment = keys.segment
LEFT JOIN steps.office_versions AS office ON office.as_of = keys.as_of AND office.office_code = keys.office_code
