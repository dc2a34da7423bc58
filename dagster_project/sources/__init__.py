"""Reading what other systems export: files as relations of DuckDB, and the sample data.

A relation holds the source's own columns. What they mean is the mapping's, what is well-formed the contract's.
"""
