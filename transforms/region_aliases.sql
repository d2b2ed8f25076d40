-- A confirmed spelling is kept as names are compared: lower case, single spaces.
SELECT typed.* REPLACE (alias_of(typed.alias) AS alias) FROM typed
