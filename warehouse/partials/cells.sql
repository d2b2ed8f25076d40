-- Memberships of each data file, counted by all that marts ask of them without asking who they are. place_code is the
-- domicile down to the regency.
WITH counted AS (
  SELECT path, office_code, period, source_key, segment, region_code, last_paid_period, count(*) AS memberships
  FROM members
  GROUP BY ALL
)
SELECT
  file.file,
  counted.office_code,
  counted.period,
  counted.source_key,
  counted.segment,
  left(counted.region_code, 4) AS place_code,
  coalesce(counted.last_paid_period > rules.lapsed_period, false) AS is_active,
  coalesce(counted.last_paid_period >= counted.period, false) AS is_protected,
  rules.status_rule,
  CAST(sum(counted.memberships) AS BIGINT) AS memberships
FROM counted
JOIN partials.files AS file USING (path)
LEFT JOIN partials.rules AS rules ON rules.period = counted.period AND rules.segment = counted.segment
GROUP BY ALL
