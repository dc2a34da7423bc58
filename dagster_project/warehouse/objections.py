"""Stored classes of customers who object to profiling are removed, whenever their days were built.

Who objects is decided in dbt (`int_profiling_objections`), which also leaves them out of days that are built. Which
published days still have them is the targets' to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from dagster_project.sql_text import quote_identifier
from dagster_project.warehouse.retention import DAY_COLUMNS

# A stretch of history has no day of its own.
ALSO = ("segment_history",)


def objecting_customers(con: duckdb.DuckDBPyConnection) -> list[int]:
    """Customers whose objection stands, rising; nobody in a warehouse whose models are not built yet."""
    try:
        rows = con.execute(
            "select distinct customer_id from intermediate.int_profiling_objections where is_standing order by 1"
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [customer_id for (customer_id,) in rows]


def remove_classes(con: duckdb.DuckDBPyConnection, customers: Sequence[int]) -> int:
    """Delete the rows of `customers` from every mart of days and from the history, in one transaction; gives how many.

    Orders and what is known of the customer now stay: they are no profile. So do sums over classes, which name nobody.
    """
    if not customers:
        return 0
    tables = con.execute(
        "select columns.table_name from duckdb_columns() as columns "
        "inner join duckdb_tables() as tables using (database_oid, schema_oid, table_oid) "
        "where columns.schema_name = 'marts' and columns.database_name = current_database() "
        "group by columns.table_name having list_contains(list(columns.column_name), 'customer_id') "
        "and (list_has_any(list(columns.column_name), ?) or list_contains(?, columns.table_name)) order by all",
        [list(DAY_COLUMNS), list(ALSO)],
    ).fetchall()
    removed = 0
    con.begin()
    try:
        for (table,) in tables:
            found = con.execute(
                f"delete from marts.{quote_identifier(table)} where list_contains(?, customer_id)", [list(customers)]
            ).fetchall()
            removed += int(found[0][0])
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return removed
