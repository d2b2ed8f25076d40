"""Tests of the simulated country."""
