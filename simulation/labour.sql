-- Workers by region as landed estimates: each total is the sum of its regencies.
WITH counted AS (
  SELECT region_code, unnest([region_code, left(region_code, 2), '0000']) AS place, unemployed, formal, informal FROM workers
),
summed AS (
  SELECT place, sum(unemployed)::BIGINT AS unemployed, sum(formal)::BIGINT AS formal, sum(informal)::BIGINT AS informal
  FROM counted GROUP BY place
)
SELECT place, unnest(['labour_force', 'employed', 'unemployed', 'employed_formal', 'employed_informal']) AS concept,
  unnest([unemployed + formal + informal, formal + informal, unemployed, formal, informal]) AS number_of
FROM summed ORDER BY place, concept
