"""Telling people that something is wrong: failed runs, failed checks, late data, as messages to where they read them.

Plain Python: what happened arrives as values, defs/alerts.py reads them from Dagster. A message names steps, checks,
days and places; it never quotes an error, which may quote a customer.
"""
