"""Partial aggregates of participants: what nights keep of data files that never change."""
