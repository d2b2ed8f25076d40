-- Every verdict on figures of the labour force, with the row of `loaded` that it is about.
WITH verdicts AS (
  FROM disputed
  UNION ALL BY NAME
  FROM inner_broken WHERE verdict = 'usable'
  UNION ALL BY NAME
  FROM jumps
)
SELECT
  v.code, region_code AS place_code, survey.year AS year, concept, v.verdict, v.left_side, v.right_side, v.is_listed,
  survey.round AS round, f.as_of, f.vintage, survey.source_kind AS source_kind, f.source
FROM verdicts AS v JOIN figures AS f USING (region_code, survey, concept)
