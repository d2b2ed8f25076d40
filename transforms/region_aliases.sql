-- A confirmed spelling is kept as names are compared: lower case, single spaces. A bare name of several is none, and a
-- spelling of the shipped list keeps its region: only one that landed can be mended by a later line.
SELECT
  typed.* REPLACE (alias_of(typed.alias) AS alias),
  alias_of(typed.alias) IN (SELECT alias FROM reference.region_names WHERE candidates IS NOT NULL) AS alias_is_shared,
  coalesce(shipped.region_code <> typed.region_code, false) AS alias_is_of_another
FROM typed
LEFT JOIN reference.shipped_aliases AS shipped ON shipped.alias = alias_of(typed.alias)
