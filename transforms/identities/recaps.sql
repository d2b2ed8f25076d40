-- The rows of `loaded` (core.recaps), each with the value_status that the relation `broken` gives it.
SELECT l.* REPLACE (CASE WHEN b.place_code IS NULL THEN 'final' ELSE 'disputed' END AS value_status)
FROM loaded AS l
LEFT JOIN (SELECT DISTINCT as_of, place_code, segment, basis, measure, source_kind, source FROM broken) AS b
  USING (as_of, place_code, segment, basis, measure, source_kind, source)
