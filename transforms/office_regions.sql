-- Nothing to look up: the row is the record.
SELECT typed.* FROM typed
