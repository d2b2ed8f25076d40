"""What is promised: contracts, the column dictionary, row rules, suites, profiles of layouts."""
