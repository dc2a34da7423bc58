"""A second, slow and plain implementation of the classification, written from the taxonomy alone.

Tests compare the warehouse against it, so it shares nothing with the warehouse: no SQL, no settings, no functions, and
no floating point in anything that decides a class.
"""
