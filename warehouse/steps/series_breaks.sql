-- Days on which a region became smaller or larger while it kept its code: figures before and after are of
-- different areas, unless the source restated them. A mere new code is no break. (Breaks that are declared, by
-- concept, year and level, stand in reference.series_breaks.)
SELECT DISTINCT predecessor_code AS region_code, valid_from AS broke_on
FROM reference.regions
WHERE change_kind IN ('split', 'merge') AND predecessor_code IS NOT NULL AND valid_from IS NOT NULL
