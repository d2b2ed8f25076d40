-- One estimate or statement. A row that names a day but no round is a statement; one without either is annual.
SELECT
  typed.* REPLACE (
    coalesce(
      typed.round,
      CASE WHEN typed.round_text IS NULL THEN CASE WHEN typed.as_of IS NULL THEN 'annual' ELSE 'stated' END END
    ) AS round
  )
FROM typed
