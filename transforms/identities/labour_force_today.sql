-- What one source tells over the years, as it stands today (infinity), from the relation `counted`.
SELECT DISTINCT round, source_kind, family, restated, DATE 'infinity' AS before
FROM counted
