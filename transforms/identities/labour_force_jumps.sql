-- Figures that leave their region's own years, from the relations `figures`, `surveys` and `disputed`: a
-- warning of what is known today. Disputed figures are neither judged nor years around others.
--
-- around       the 6 nearest years: 3 on each side, more on one where the other ends
-- move         the logarithm of the figure over the median of the years around; a zero counts as half a person
-- excess       the move less the nation's that year (without the nation: less the median region's)
-- usual        the region's median excess in its other years
WITH known AS (
  SELECT *, ln(greatest(CAST(value AS DOUBLE), CASE WHEN is_rate THEN 0.05 ELSE 0.5 END)) AS log_value
  FROM figures
  SEMI JOIN (FROM surveys WHERE before = DATE 'infinity') USING (survey)
  ANTI JOIN disputed USING (region_code, survey, concept)
  WHERE NOT is_missing AND qualifier IN ('eq', 'approx')
),
others AS (
  SELECT *, list(struct_pack("year", log_value)) OVER (
    PARTITION BY region_code, concept, series, era
    ORDER BY year ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
  ) AS others
  FROM known
),
moves AS (
  SELECT
    * EXCLUDE (others),
    list_sort(
      list_transform(others, lambda o: row(abs(o.year - moved.year), o.year, o.log_value))
    )[:6] AS nearest,
    list_transform(nearest, lambda o: o[3]) AS around,
    list_median(around) AS usual_value,
    log_value - usual_value AS move
  FROM others AS moved
  WHERE len(others) >= 2
),
compared AS (
  SELECT
    *,
    CASE WHEN region_code <> '0000' THEN coalesce(
      max(move) FILTER (region_code = '0000') OVER of_survey,
      CASE WHEN count(*) OVER of_survey >= 3 THEN median(move) OVER of_survey END
    ) END AS told_move,
    move - coalesce(told_move, 0) AS excess
  FROM moves
  WINDOW of_survey AS (PARTITION BY survey, concept)
),
spread AS (
  SELECT *, coalesce(list_median(list(abs(excess)) OVER (
    PARTITION BY region_code, concept, series, era
    ORDER BY year ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW
  )), 0) AS usual
  FROM compared
)
-- Half as much again, by itself and beyond the nation, and 6 times the usual excess: docs/identities.md shows what
-- that names.
SELECT
  'jump' AS code, region_code, survey, concept, concept || ' ' || figure AS left_side,
  format('median of {} years around {:.{}f}', len(around), exp(usual_value), CASE WHEN is_rate THEN 2 ELSE 0 END)
  || CASE WHEN told_move IS NULL THEN '' ELSE format('; others that year x{:.2f}', exp(told_move)) END AS right_side,
  'usable' AS verdict, true AS is_listed
FROM spread
WHERE abs(move) > ln(1.5) AND abs(excess) > greatest(ln(1.5), 6 * usual)
