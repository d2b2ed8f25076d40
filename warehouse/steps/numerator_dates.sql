-- Days for which coverage rows are made: every month's end with participants, every day of a recap, up to the
-- business date.
SELECT DISTINCT month_end(period) AS as_of
FROM partials.exports
WHERE month_end(period) <= getvariable('as_of')
UNION
SELECT DISTINCT as_of
FROM core.recaps
WHERE as_of <= getvariable('as_of')
