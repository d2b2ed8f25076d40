"""Two characters that have a meaning of their own inside this package, for modules that import nothing else."""

# Before the text of a cell that a workbook or Parquet file stores as a number.
MARKER = "\x01"
# In the place of a character that no encoding could read, or that would be taken for the marker.
DAMAGED = "\ufffd"
