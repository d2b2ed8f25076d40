-- Parts that changed places in one year of a file, from the relations `figures` and `unit_changes`: the share of a
-- part in its whole moves in the nation by far more than in any year around it, and so, up or down, in about half of
-- the regions or more, while every sum holds. One row per figure of that part and survey; one of them, the nation's,
-- is listed. A declared break ends nothing here: only what the profile says of the columns does.
--
-- around       the shares of the 6 nearest years: 3 on each side, more on one where the other ends
-- move         the share less the median of the years around, in points
-- spread       the median absolute deviation of those years
WITH known AS (
  SELECT * FROM figures ANTI JOIN unit_changes USING (region_code, survey, concept)
  WHERE NOT is_missing AND NOT is_rate AND qualifier IN ('eq', 'approx')
),
terms AS (
  FROM (VALUES
    ('employed_formal', 'employed_informal', 'employed'), ('employed_informal', 'employed_formal', 'employed'),
    ('employed', 'unemployed', 'labour_force'), ('unemployed', 'employed', 'labour_force')
  ) AS t (part, other, whole)
),
-- The other part proves the whole: a wrong whole moves both shares, and is the sum's finding.
told AS (
  SELECT
    p.region_code, p.level, p.survey, p.series, p.year, t.part, t.whole, p.value,
    coalesce(p.value + o.value, w.value) AS of_value
  FROM known AS p
  JOIN terms AS t ON t.part = p.concept
  LEFT JOIN known AS o ON o.region_code = p.region_code AND o.survey = p.survey AND o.concept = t.other
  LEFT JOIN known AS w ON w.region_code = p.region_code AND w.survey = p.survey AND w.concept = t.whole
),
-- Without the nation's row, the provinces together speak for it, or the regencies.
highest AS (
  SELECT * FROM told
  QUALIFY rank() OVER (PARTITION BY survey, part ORDER BY list_position(['national', 'province', 'regency'], level)) = 1
),
shares AS (
  SELECT region_code, survey, series, year, part, whole, level, value, of_value
  FROM told
  WHERE level <> 'national'
  UNION ALL BY NAME
  SELECT NULL AS region_code, survey, series, year, part, whole, level, sum(value) AS value, sum(of_value) AS of_value
  FROM highest
  GROUP BY ALL
),
years AS (
  SELECT
    region_code, series, part, list(struct_pack("year", share := 100.0::DOUBLE * value / of_value)) AS years
  FROM shares
  WHERE of_value > 0
  GROUP BY ALL
),
moves AS (
  SELECT
    s.*,
    100.0::DOUBLE * value / of_value AS share,
    list_sort(
      list_transform(
        list_filter(years, lambda o: o.year <> s.year), lambda o: row(abs(o.year - s.year), o.year, o.share)
      )
    )[:6] AS nearest,
    list_transform(nearest, lambda o: o[3]) AS around,
    share - list_median(around) AS move,
    list_aggregate(around, 'mad') AS spread
  FROM shares AS s
  JOIN years AS y
    ON y.region_code IS NOT DISTINCT FROM s.region_code AND y.series = s.series AND y.part = s.part
  WHERE of_value > 0 AND len(years) > 2
),
-- Which bounds stand between honest years and exchanged columns, and why few regions need more: docs/identities.md.
exchanged AS (
  SELECT
    w.survey, w.part, w.whole, w.level, w.value, w.of_value, w.share, w.move, len(w.around) AS years,
    count(*) AS regions, count(*) FILTER (abs(r.move) > greatest(3, 3 * r.spread)) AS regions_moved
  FROM moves AS w
  JOIN moves AS r ON r.survey = w.survey AND r.part = w.part AND r.region_code IS NOT NULL
  WHERE w.region_code IS NULL AND abs(w.move) > greatest(6, 4 * w.spread)
    -- Two columns alone make the labour force: exchanged, the smaller part is the larger one.
    AND (w.whole = 'employed' OR (w.share > 50) <> (w.share - w.move > 50))
  GROUP BY ALL
  HAVING regions >= 3
    AND CASE WHEN w.level = 'national' OR regions >= 100 THEN regions_moved >= 0.45 * regions
      ELSE regions_moved >= 0.55 * regions AND abs(w.move) > 9 END
)
SELECT
  'parts_exchanged' AS code, f.region_code, f.survey, f.concept,
  format(
    '{} {} of {} {}: {:.1f} %', e.part, CAST(e.value AS BIGINT), e.whole, CAST(e.of_value AS BIGINT), e.share
  ) AS left_side,
  format(
    'median of {} years around {:.1f} %, {:.1f} points away; {} of {} regions left their own years around',
    e.years, e.share - e.move, abs(e.move), e.regions_moved, e.regions
  ) AS right_side,
  'disputed' AS verdict,
  row_number() OVER (
    PARTITION BY f.survey, f.concept ORDER BY f.region_code <> '0000', f.value DESC, f.region_code
  ) = 1 AS is_listed
FROM exchanged AS e
JOIN figures AS f ON f.survey = e.survey AND f.concept = e.part
