"""When: the night and its steps, settings, the command line. The only folder that imports prefect."""
