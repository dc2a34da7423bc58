"""Days whose rows have passed every test and check: they are not read again until a run writes them anew.

A day that failed is tested again by each later run, whatever it computes, so that nothing of it is published. Else a
daily run would test all days that are stored, a year of them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb

from dagster_project.sql_text import quote_identifier


def create_checked_days(con: duckdb.DuckDBPyConnection) -> None:
    """Make the table where a warehouse has none yet: no day of it has passed."""
    con.execute("create schema if not exists audit")
    con.execute("create table if not exists audit.checked_days (as_of_date date primary key)")


def forget_checked(con: duckdb.DuckDBPyConnection, days: Collection[date]) -> None:
    """Have `days`, which are about to be written, checked again."""
    create_checked_days(con)
    con.execute("delete from audit.checked_days where list_contains(?::date[], as_of_date)", [sorted(days)])


def note_checked(con: duckdb.DuckDBPyConnection) -> None:
    """Every built day has passed."""
    con.execute("insert or ignore into audit.checked_days select as_of_date from control.snapshot_builds")


def is_unchecked(day_column: str) -> str:
    """Whether a row is of a day that has not passed, as SQL."""
    return f"{quote_identifier(day_column)} not in (select as_of_date from audit.checked_days)"
