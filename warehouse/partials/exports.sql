-- Which offices have exported which months: rows of each file that was landed.
SELECT office_code, period, source_key, CAST(sum(memberships) AS BIGINT) AS memberships
FROM partials.cells
GROUP BY office_code, period, source_key
