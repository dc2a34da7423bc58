"""Days of a staged company by dbt, against `snapshot.sql` for the same days.

Every row is compared with the script's, value by value. The purchase models are switched off: the script foretells
nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.company import BASE_MODELS, Company
from benchmarks.measuring import Measured, measure
from benchmarks.steps import Comparison, Say

STAGING = "customer_strata.staging"
LISTS = "tag:list"
AGAINST_SCRIPT = 2.0
AGAINST_SINGLE_RUNS = 0.1
COMPARED = {
    **{
        f"customer_{name}": ("as_of_date", "customer_id")
        for name in ("segments", "features", "rfm", "lifecycle", "value", "needs", "behaviours")
    },
    "customer_matrices": ("as_of_date", "customer_id", "matrix"),
}
FLOOR = (
    "`benchmarks/snapshot.sql`, the shortest script that writes the same rows of the eight tables with a row a "
    "customer, day after day in one process"
)


def built(company: Company, days: Sequence[date]) -> Measured:
    """What `days` take by dbt, from the tables that a snapshot starts from."""
    company.control(list(days))
    return company.dbt(exclude=(STAGING, LISTS, *BASE_MODELS))


def scripted(company: Company, days: Sequence[date]) -> Measured:
    """What `days` take by the bare script, of which every row was found equal to ours."""
    output = company.warehouse.with_name("bare.duckdb")
    words = [str(company.warehouse), str(output), *map(str, days)]
    measured = measure([sys.executable, "-m", "benchmarks.bare", *words])
    compare(company.warehouse, output, days)
    output.unlink()
    return measured


def compare_range(
    company: Company, step: str, name: str, days: Sequence[date], single: Measured, of_single: str, say: Say
) -> list[Comparison]:
    """One run of `days` against the script, and against a run a day that takes what `single` took.

    Rows a second are those of customer_segments.
    """
    say(f"{name}, in one run")
    ours = built(company, days)
    say(f"{name}, by the bare script")
    floor = scripted(company, days)
    rows = rows_of(company, days)
    singles = Measured(single.seconds * len(days), single.cpu_seconds * len(days), single.peak_bytes)
    against = f"{len(days)} single runs ({of_single} measured)"
    size = company.orders
    return [
        Comparison(step, name, size, ours, floor, AGAINST_SCRIPT, rows=rows, against="bare script"),
        Comparison(
            step, f"{name} against single runs", size, ours, singles, AGAINST_SINGLE_RUNS, rows=rows, against=against
        ),
    ]


def rows_of(company: Company, days: Sequence[date]) -> int:
    """Rows of customer_segments on `days`."""
    with duckdb.connect(str(company.warehouse), read_only=True) as con:
        [(rows,)] = con.execute(
            "select count(*) from marts.customer_segments where list_contains(?, as_of_date)", [list(days)]
        ).fetchall()
    return int(rows)


def compare(warehouse: Path, bare: Path, days: Sequence[date]) -> None:
    """Raise unless both files hold the same rows of `days`, value by value. A day at a time needs less memory."""
    with duckdb.connect() as con:
        con.execute(f"attach '{warehouse}' as ours (read_only)")
        con.execute(f"attach '{bare}' as bare (read_only)")
        for table, key in COMPARED.items():
            columns = ", ".join(
                name
                for (name,) in con.execute(
                    "select column_name from duckdb_columns() where database_name = 'bare' and table_name = ?", [table]
                ).fetchall()
            )
            for day in days:
                ours = f"select {columns} from ours.marts.{table} where as_of_date = date '{day}'"
                theirs = f"select {columns} from bare.{table} where as_of_date = date '{day}'"
                different = f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours}))"
                [(rows,)] = con.execute(f"select count(*) from ({different})").fetchall()
                if rows:
                    shown = con.execute(f"{different} order by {', '.join(key)} limit 2").fetchall()
                    raise AssertionError(
                        f"{table} on {day}: {rows} rows differ from the bare script's, such as {shown}"
                    )
            [(others,)] = con.execute(
                f"select count(*) from bare.{table} where not list_contains(?, as_of_date)", [list(days)]
            ).fetchall()
            if others:
                raise AssertionError(f"{table}: the bare script wrote {others} rows of days that were not asked for")
