"""A landing zone that ships with the project, and the script that writes its invented people."""
