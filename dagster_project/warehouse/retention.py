"""Old daily snapshots are thinned to month ends. What they said stays in segment_history, and what lists issued stays.

How long days are kept is a setting (settings/publishing.py); targets drop what is thinned here when they next publish.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb

from dagster_project.sql_text import quote_identifier
from dagster_project.warehouse.control import stored_days

DAY_COLUMNS = ("as_of_date", "evaluated_on")
# A list is an issued document, not a snapshot.
ISSUED = ("reactivation_list", "reactivation_list_details", "reactivation_list_notes")


def days_to_thin(stored: Sequence[date], keep_daily_days: int | None) -> list[date]:
    """Of the stored days those that are no month end and lie more than `keep_daily_days` before the newest.

    Nothing reads the clock: an installation that has not run for a year keeps what it has.
    """
    if keep_daily_days is None or not stored:
        return []
    kept_from = max(stored) - timedelta(days=keep_daily_days)
    return [day for day in sorted(stored) if day < kept_from and (day + timedelta(days=1)).day != 1]


def thin_snapshots(
    con: duckdb.DuckDBPyConnection, keep_daily_days: int | None, *, run_days: Sequence[date] = ()
) -> list[date]:
    """Delete the days to thin from every mart of days; gives them. `run_days`, just asked for, stay until the next."""
    thinned = sorted(set(days_to_thin(stored_days(con), keep_daily_days)) - set(run_days))
    if not thinned:
        return []
    tables = con.execute(
        "select columns.table_name, columns.column_name from duckdb_columns() as columns "
        "inner join duckdb_tables() as tables using (database_oid, schema_oid, table_oid) "
        "where columns.schema_name = 'marts' and columns.database_name = current_database() "
        "and list_contains(?, columns.column_name) and not list_contains(?, columns.table_name) order by all",
        [list(DAY_COLUMNS), list(ISSUED)],
    ).fetchall()
    con.begin()
    try:
        for table, column in tables:
            con.execute(
                f"delete from marts.{quote_identifier(table)} where list_contains(?, {quote_identifier(column)})",
                [thinned],
            )
        con.execute("delete from control.snapshot_builds where list_contains(?, as_of_date)", [thinned])
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return thinned


def thinned_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Days that were computed once and of which no row is stored any more, rising; none in a warehouse just begun."""
    stored = set(stored_days(con))
    gone = con.execute(
        "select as_of_date from control.history_days "
        "where as_of_date not in (select as_of_date from marts.customer_segments) order by 1"
    ).fetchall()
    return [day for (day,) in gone if day not in stored]
