"""What is promised: contracts, the column dictionary, row rules, Great Expectations suites, profiles of layouts."""
