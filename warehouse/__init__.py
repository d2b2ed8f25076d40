"""The warehouse: the lake, reference data, marts, builds, promotion."""
