-- A confirmed spelling is kept as names are compared: lower case, single spaces. A bare name of several is none.
SELECT
  typed.* REPLACE (alias_of(typed.alias) AS alias),
  alias_of(typed.alias) IN (SELECT alias FROM reference.region_names WHERE candidates IS NOT NULL) AS alias_is_shared
FROM typed
