"""Tests of what is promised."""
