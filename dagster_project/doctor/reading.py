"""Reading every block of a DuckDB file, by which a damaged one shows: each has its checksum."""

from __future__ import annotations

import duckdb

from dagster_project.doctor.findings import first_line
from dagster_project.sql_text import quote_identifier


def unreadable_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Tables of the open file that cannot be read to their end, each with the engine's reason."""
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
    ).fetchall()
    damaged = []
    for schema, table in tables:
        try:
            con.execute(f"select bit_xor(hash(t)) from {quote_identifier(schema)}.{quote_identifier(table)} as t")
        except duckdb.Error as error:
            damaged.append(f"{schema}.{table}: {first_line(error)}")
    return damaged
