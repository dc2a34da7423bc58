"""Measured comparisons with bare DuckDB scripts, on generated orders. `make bench` runs them; they test nothing.

Figures are ratios of one run on one machine: absolute times say little about another.
"""
