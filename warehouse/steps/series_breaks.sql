-- Days on which a region became smaller or larger while it kept its code: figures before and after are of
-- different areas, unless the source restated them. A mere new code is no break. (Breaks that are declared, by
-- concept, year and level, stand in reference.series_breaks.)
SELECT DISTINCT
  unnest(CASE change_kind WHEN 'split' THEN [predecessor_code] ELSE [predecessor_code, successor_code] END) AS region_code,
  changed_on AS broke_on
FROM reference.region_changes
WHERE change_kind IN ('split', 'merge')
