-- Surveys as they stood before each day of the relation `states`, numbered; `series` numbers what one source tells
-- over the years, as it stood before that day. As-was and restated figures are two series.
WITH series AS (SELECT *, row_number() OVER () AS series FROM states),
told AS (SELECT DISTINCT year, about, round, source_kind, family, restated FROM counted)
SELECT *, row_number() OVER () AS survey
FROM told JOIN series USING (round, source_kind, family, restated)
