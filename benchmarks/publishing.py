"""Publishing measured: a company's last day to Parquet, to the serving copy, to PostgreSQL and as lists.

Against the shortest scripts that bring the same rows to the same place (bare_publishing.py). Every row is compared. The
server is started by the benchmark, so that its processor time is in neither side's.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.bare_publishing import SCHEMA
from benchmarks.company import BASE_MODELS, LAST_DAY, Company, generate
from benchmarks.listing import list_select, write_list
from benchmarks.measuring import Measured, measure
from benchmarks.postgresql_server import postgresql_server
from benchmarks.steps import ORDERS_A_CUSTOMER, Comparison, Say, Step
from dagster_project.publishing.tables import Column, Table, columns_of, published_tables, rows_sql, select_sql
from dagster_project.settings import load_settings
from dagster_project.sql_text import quote_identifier, quote_literal

AIM = 1.5
CHANNEL = "telesales"
CUSTOMERS_A_LISTED_ONE = 20  # a sheet of 50,000 rows for a million customers
# Made by Python assets, of which the company has none.
NOT_BUILT = ("reactivation_lift",)


def measure_publishing(folder: Path, size: int, say: Say) -> list[Comparison]:
    """The last day of `size` orders, and lists of one customer in 20, by each target."""
    say("generating, staging and classifying the last day")
    return compare_targets(generate_classified(folder / "company", size), folder, size, say)


def compare_targets(company: Company, folder: Path, size: int, say: Say) -> list[Comparison]:
    """Each target of a company against its bare script; both leave their files below `folder`."""
    with company.connect() as con:
        tables = [(table, columns_of(con, table)) for table in published_tables(con, company.settings.publishing)]
        plan = _plan(company, tables)
        counts = [con.execute(f"select count(*) from ({each['select']})").fetchall()[0][0] for each in plan["tables"]]
        rows = sum(counts)
        [(listed,)] = con.execute(f"select count(*) from ({plan['list']})").fetchall()
    installation = company.settings.paths.config.parent
    plan_file = folder / "plan.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")

    def ours(target: str, *more: str) -> Measured:
        say(target)
        return measure(
            [sys.executable, "-m", "benchmarks.publishing_once", target, str(installation), str(LAST_DAY), *more]
        )

    def bare(target: str, output: Path | str) -> Measured:
        say(f"{target}, by the bare script")
        words = [sys.executable, "-m", "benchmarks.bare_publishing", target]
        return measure([*words, str(company.warehouse), str(plan_file), str(output)])

    published = company.settings.paths.published
    parts = []

    def compared(part: str, ours: Measured, floor: Measured, rows: int) -> None:
        parts.append(Comparison("publishing", part, size, ours, floor, AIM, rows=rows))

    files = folder / "bare"
    floor = bare("parquet", files)
    compared("Parquet", ours("parquet"), floor, rows)
    with duckdb.connect() as con:
        for (table, columns), count in zip(tables, counts, strict=True):
            place = f"as_of_date={LAST_DAY}" if table.is_dated else "as_known_now"
            of_ours, of_bare = (
                f"read_parquet({quote_literal(f'{root}/{place}/{table.name}.parquet')}, hive_partitioning = false)"
                for root in (published / "parquet", files)
            )
            _same(con, table, columns, of_ours, of_bare, count)
    served = folder / "bare.duckdb"
    floor = bare("serving", served)
    compared("serving copy", ours("serving"), floor, rows)
    with duckdb.connect() as con:
        con.execute(f"attach {quote_literal(str(published / 'serving' / 'strata.duckdb'))} as ours (read_only)")
        con.execute(f"attach {quote_literal(str(served))} as bare (read_only)")
        for (table, columns), count in zip(tables, counts, strict=True):
            _same(con, table, columns, f"ours.{table.name}", f"bare.{table.name}", count)
    with postgresql_server(folder / "server") as url:
        floor = bare("postgres", url)
        compared("PostgreSQL", ours("postgres", url), floor, rows)
        _same_on_server(url, company.settings.publishing.postgres.schema_name, tables, counts)
    (folder / "lists").mkdir()
    floor = bare("lists", folder / "lists")
    compared("lists", ours("lists"), floor, listed)
    _same_lists(company.settings.paths.lists / str(LAST_DAY), folder / "lists", listed)
    return parts


STEP = Step(
    name="publishing",
    title="Publishing a day",
    floor="`benchmarks/bare_publishing.py`: DuckDB's COPY, CREATE TABLE in an attached file, ADBC into tables with "
    "their primary keys, and for the list a query written by COPY and by xlsxwriter",
    measure=measure_publishing,
)


def generate_classified(folder: Path, orders: int) -> Company:
    """A company whose last day is classified, with a list of the day for one customer in 20."""
    company = generate(folder, orders)
    company.control([LAST_DAY])
    company.dbt(exclude=("customer_strata.staging", "tag:list", *BASE_MODELS))
    config = folder / "config" / "publishing.yaml"
    text = config.read_text(encoding="utf-8")
    for name in NOT_BUILT:
        text = re.sub(rf"(?m)^  - {name}\b.*\n", "", text)
    config.write_text(text, encoding="utf-8")
    company = Company(load_settings(folder / "config", folder / "data"), orders)
    with company.connect() as con:
        write_list(con, max(orders // ORDERS_A_CUSTOMER // CUSTOMERS_A_LISTED_ONE, 1), CHANNEL)
    return company


def _plan(company: Company, tables: Sequence[tuple[Table, tuple[Column, ...]]]) -> dict[str, Any]:
    """What the bare scripts are given: selects, as JSON takes them."""
    settings = company.settings.publishing
    channel = settings.reactivation.channel(CHANNEL)
    assert channel is not None
    return {
        "day": str(LAST_DAY),
        "tables": [
            {
                "name": table.name,
                "is_dated": table.is_dated,
                "key": table.key,
                "rows": rows_sql(table, columns, LAST_DAY if table.is_dated else None),
                "select": select_sql(table, columns, LAST_DAY if table.is_dated else None),
            }
            for table, columns in tables
        ],
        "list": list_select(channel, settings.reactivation, settings.language),
    }


def _same(
    con: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column], ours: str, bare: str, rows: int
) -> None:
    """Raise unless both relations hold the same rows, so many: by the sum of their hashes and the hashes' XOR."""
    listed = ", ".join(quote_identifier(column.name) for column in columns)
    hashes = f"count(*), coalesce(sum(hash({listed})::hugeint), 0), coalesce(bit_xor(hash({listed})), 0)"
    found = [con.execute(f"select {hashes} from {each}").fetchone() for each in (ours, bare)]
    if found[0] != found[1] or found[0] is None or found[0][0] != rows:
        raise AssertionError(f"{table.name}: {found[0]} published, {found[1]} by the bare script, {rows} rows expected")


def _same_on_server(
    url: str, schema: str, tables: Sequence[tuple[Table, tuple[Column, ...]]], counts: Sequence[int]
) -> None:
    """The same of two schemas of a server, which hashes rows as text."""
    import adbc_driver_postgresql.dbapi

    with adbc_driver_postgresql.dbapi.connect(url) as server, server.cursor() as cursor:
        for (table, columns), rows in zip(tables, counts, strict=True):
            # ADBC makes columns of no scale: 30.000000 arrives as 30.
            listed = ", ".join(
                f"trim_scale({quote_identifier(column.name)})"
                if column.type.startswith("DECIMAL")
                else quote_identifier(column.name)
                for column in columns
            )
            found = []
            for each in (schema, SCHEMA):
                cursor.execute(
                    f"select count(*), coalesce(sum(hashtextextended(row({listed})::text, 0)), 0)::text "
                    f'from {each}."{table.name}"'
                )
                found += cursor.fetchall()
            if found[0] != found[1] or found[0][0] != rows:
                raise AssertionError(f"{table.name} in PostgreSQL: {found[0]} published, {found[1]} by the bare script")


def _same_lists(ours: Path, bare: Path, rows: int) -> None:
    """Raise unless the files of both hold the same cells below their headings."""
    import pandas as pd

    texts = [
        list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines(keepends=True)))[1:]
        for file in (ours / f"{CHANNEL}.csv", bare / "list.csv")
    ]
    sheets = [
        pd.read_excel(file, engine="calamine", sheet_name=0).to_numpy().tolist()
        for file in (ours / f"{CHANNEL}.xlsx", bare / "list.xlsx")
    ]
    for kind, (published, expected) in (("CSV", texts), ("sheet", sheets)):
        different = [pair for pair in zip(published, expected, strict=True) if str(pair[0]) != str(pair[1])]
        if different or len(published) != rows:
            raise AssertionError(f"the list's {kind}: {len(published)} rows, {len(different)} differ: {different[:1]}")
