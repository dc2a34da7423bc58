"""The bare scripts that publishing is held against: the same rows to the same kind of place, and nothing else.

python -m benchmarks.bare_publishing parquet|serving|postgres|lists WAREHOUSE PLAN OUTPUT

PLAN is JSON: of every table its name, key, whether it has a day, the select of its rows as they are stored and that of
them sorted by key, as published files hold them; and the select of the list. OUTPUT is a folder, a file, or the address
of a server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

SCHEMA = "bare"


def main(target: str, warehouse: str, plan: str, output: str) -> None:
    """Publish what the plan names."""
    with duckdb.connect() as con:
        con.execute(f"attach '{warehouse}' as warehouse (read_only)")
        con.execute("use warehouse")
        con.execute("set TimeZone = 'UTC'")
        _TARGETS[target](con, json.loads(Path(plan).read_text(encoding="utf-8")), output)


def parquet(con: duckdb.DuckDBPyConnection, plan: dict[str, Any], output: str) -> None:
    """A file a table, in a folder of the day or in that of tables without one."""
    for table in plan["tables"]:
        folder = Path(output) / (f"as_of_date={plan['day']}" if table["is_dated"] else "as_known_now")
        folder.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"copy ({table['select']}) to '{folder}/{table['name']}.parquet' (format parquet, compression zstd)"
        )


def serving(con: duckdb.DuckDBPyConnection, plan: dict[str, Any], output: str) -> None:
    """A DuckDB file with the tables."""
    con.execute(f"attach '{output}' as served")
    for table in plan["tables"]:
        con.execute(f"create table served.{table['name']} as {table['rows']}")
    con.execute("detach served")


def postgres(con: duckdb.DuckDBPyConnection, plan: dict[str, Any], output: str) -> None:
    """The tables with their primary keys in a schema, in one transaction."""
    import adbc_driver_postgresql.dbapi

    with adbc_driver_postgresql.dbapi.connect(output) as server, server.cursor() as cursor:
        cursor.execute(f"create schema {SCHEMA}")
        for table in plan["tables"]:
            rows = con.sql(table["rows"]).to_arrow_reader(100_000)
            cursor.adbc_ingest(table["name"], rows, mode="create", db_schema_name=SCHEMA)
            key = ", ".join(f'"{name}"' for name in table["key"])
            cursor.execute(f'alter table {SCHEMA}."{table["name"]}" add primary key ({key})')
        server.commit()


def lists(con: duckdb.DuckDBPyConnection, plan: dict[str, Any], output: str) -> None:
    """One list as CSV and as a sheet."""
    import xlsxwriter

    con.execute(f"create temp table listed as {plan['list']}")
    con.execute(f"copy listed to '{output}/list.csv' (header, delimiter ',')")
    with xlsxwriter.Workbook(f"{output}/list.xlsx") as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        rows = con.execute("from listed")
        names = [column[0] for column in rows.description]
        sheet.write_row(0, 0, names)
        days = [place for place, column in enumerate(rows.description) if column[1] == "DATE"]
        for place in days:
            sheet.set_column(place, place, None, day)
        number = 0
        while chunk := rows.fetchmany(10_000):
            for row in chunk:
                number += 1
                sheet.write_row(number, 0, row)


_TARGETS = {"parquet": parquet, "serving": serving, "postgres": postgres, "lists": lists}

if __name__ == "__main__":
    main(*sys.argv[1:])
