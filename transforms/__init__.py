"""Raw to core: SQL and pure functions, one file per dataset, without input or output of their own."""
