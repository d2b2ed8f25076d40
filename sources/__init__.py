"""Where the figures come from: the landing zone, raw snapshots, and readers for every file format."""
