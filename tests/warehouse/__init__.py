"""Tests of ``warehouse/``."""
