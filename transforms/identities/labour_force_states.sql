-- The days before which something was known that a later vintage replaced, and today (infinity), from the relation
-- `counted`: what one source tells over the years is judged as it stood before each of them.
SELECT DISTINCT round, source_kind, family, restated, until AS before
FROM counted
