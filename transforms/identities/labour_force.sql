-- The rows of `loaded` (core.labour_force), each with the value_status that the relation `broken` gives it.
SELECT
  l.* REPLACE (
    CASE
      WHEN list_contains(b.verdicts, 'missing') THEN 'missing'
      WHEN list_contains(b.verdicts, 'disputed') THEN 'disputed'
      ELSE 'final'
    END AS value_status
  )
FROM loaded AS l
LEFT JOIN (
  SELECT
    place_code, year, concept, round, as_of, vintage, source_kind, source, restated,
    list(DISTINCT verdict) AS verdicts
  FROM broken
  GROUP BY ALL
) AS b
  ON b.place_code = l.region_code AND b.year = l.year AND b.concept = l.concept AND b.round = l.round
  AND b.source_kind = l.source_kind AND b.source = l.source AND b.restated = l.restated
  AND b.as_of IS NOT DISTINCT FROM l.as_of AND b.vintage IS NOT DISTINCT FROM l.vintage
