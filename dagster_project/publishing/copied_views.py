"""Views of the warehouse in the serving copy: the same select over the tables that the copy holds.

A view is copied as text, so that what it says costs no room; Parquet and PostgreSQL hold tables only.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from dagster_project.publishing.tables import Table
from dagster_project.sql_text import quote_identifier

VIEWS = ("customer_reasons",)
_SCHEMA = "marts"
_COPY_SCHEMA = "main"


def copied_views(con: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> dict[str, str]:
    """Statements that make the views in a copy of `tables`, by name; a view that reads more than these has none."""
    # sqlglot takes 0.2 s to import, and most commands publish nothing.
    import sqlglot
    from sqlglot import exp

    held = {table.place: table.name for table in tables}
    statements = {}
    for name, statement in con.execute(
        "select view_name, sql from duckdb_views() "
        "where schema_name = ? and list_contains(?, view_name) and database_name = current_database() order by 1",
        [_SCHEMA, list(VIEWS)],
    ).fetchall():
        select = sqlglot.parse_one(statement, dialect="duckdb").expression
        # A relation that is named with its schema; one without is a part of the view itself.
        read = [relation for relation in select.find_all(exp.Table) if relation.db]
        if any((relation.db, relation.name) not in held for relation in read):
            continue
        for relation in read:
            # With the schema, since parts of the view may have the name of a table.
            copy = exp.table_(
                held[relation.db, relation.name], db=_COPY_SCHEMA, quoted=True, alias=relation.alias or None
            )
            relation.replace(copy)
        statements[name] = f"create view {quote_identifier(name)} as {select.sql(dialect='duckdb')}"
    return statements
