-- Every verdict on figures of the labour force, with the row of `loaded` that it is about: in the last state in which
-- the row counted, so that a later figure neither condemns nor redeems a row that it has replaced.
WITH verdicts AS (
  FROM disputed
  UNION ALL BY NAME
  FROM inner_broken WHERE verdict = 'usable'
  UNION ALL BY NAME
  FROM jumps
)
SELECT
  v.code, f.region_code AS place_code, f.year, f.concept, v.verdict, v.left_side, v.right_side, v.is_listed,
  c.round, c.as_of, c.vintage, c.source_kind, c.source, c.restated
FROM verdicts AS v
JOIN figures AS f USING (region_code, survey, concept)
JOIN counted AS c USING (nth)
WHERE f.is_last
