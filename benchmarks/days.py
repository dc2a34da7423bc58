"""Many days in one run: 48 month ends, and 90 days, of a staged company, against `snapshot.sql` for the same days.

Every row is compared with the script's, value by value. The purchase models are switched off: the script foretells
nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks.company import BASE_MODELS, LAST_DAY, Company, generate
from benchmarks.measuring import Measured, measure
from benchmarks.steps import Comparison, Say, Step
from dagster_project.warehouse.run_window import month_ends_between

STAGING = "customer_strata.staging"
LISTS = "tag:list"
FEW_ORDERS = 100  # of the company on which dbt itself is measured
SINGLE_RUNS = 3
AGAINST_SCRIPT = 2.0
AGAINST_SINGLE_RUNS = 0.1
COMPARED = {
    **{
        f"customer_{name}": ("as_of_date", "customer_id")
        for name in ("segments", "features", "rfm", "lifecycle", "value", "needs", "behaviours")
    },
    "customer_matrices": ("as_of_date", "customer_id", "matrix"),
}


def measure_days(folder: Path, size: int, say: Say) -> list[Comparison]:
    """One more day, 48 month ends and 90 days of `size` orders; rows a second are those of customer_segments."""
    say("generating and staging")
    company = generate(folder / "company", size)
    output = folder / "bare.duckdb"

    def built(days: Sequence[date], of: Company = company) -> Measured:
        of.control(list(days))
        return of.dbt(exclude=(STAGING, LISTS, *BASE_MODELS))

    def bare(days: Sequence[date]) -> Measured:
        words = [str(company.warehouse), str(output), *map(str, days)]
        return measure([sys.executable, "-m", "benchmarks.bare", *words])

    say("dbt alone, on a hundred orders")
    dbt_alone = built([LAST_DAY], generate(folder / "few", FEW_ORDERS))
    say("single days")
    singles = [built([LAST_DAY - timedelta(days=back)]) for back in reversed(range(SINGLE_RUNS))]
    say("the bare script for one day")
    bare_day = bare([LAST_DAY])
    compare(company.warehouse, output, [LAST_DAY])
    single = _mean(singles)
    day = singles[-1]
    parts = [
        Comparison("days", "dbt alone", size, dbt_alone, None, note="the same invocation for a hundred orders", rows=0),
        Comparison("days", "one more day", size, day, bare_day, rows=_rows(company.warehouse, [LAST_DAY])),
        Comparison(
            "days",
            "one more day, without dbt's own time",
            size,
            Measured(
                max(day.seconds - dbt_alone.seconds, 0.0),
                max(day.cpu_seconds - dbt_alone.cpu_seconds, 0.0),
                day.peak_bytes,
            ),
            bare_day,
            rows=_rows(company.warehouse, [LAST_DAY]),
        ),
    ]
    for name, days in (
        ("48 month ends", month_ends_between(date(LAST_DAY.year - 3, 1, 1), LAST_DAY)),
        ("90 days", [LAST_DAY - timedelta(days=back) for back in reversed(range(90))]),
    ):
        say(f"{name}, in one run")
        ours = built(days)
        say(f"{name}, by the bare script")
        floor = bare(days)
        say(f"{name}: comparing every row")
        compare(company.warehouse, output, days)
        output.unlink()
        rows = _rows(company.warehouse, days)
        gain = (
            f"the script gains {bare_day.seconds * len(days) / floor.seconds:.1f} times by a range at {size:,} orders"
        )
        as_single = Measured(single.seconds * len(days), single.cpu_seconds * len(days), single.peak_bytes)
        against = f"{len(days)} single runs ({SINGLE_RUNS} measured)"
        parts += [
            Comparison("days", name, size, ours, floor, AGAINST_SCRIPT, rows=rows, against="bare script"),
            Comparison(
                "days", f"{name} against single runs", size, ours, as_single, AGAINST_SINGLE_RUNS, gain, rows, against
            ),
        ]
    return parts


STEP = Step(
    name="days",
    title="Many days in one run",
    floor="`benchmarks/snapshot.sql`, the shortest script that writes the same rows of the eight tables with a row a "
    "customer, day after day in one process",
    measure=measure_days,
)


def _mean(runs: Sequence[Measured]) -> Measured:
    return Measured(
        sum(run.seconds for run in runs) / len(runs),
        sum(run.cpu_seconds for run in runs) / len(runs),
        max(run.peak_bytes for run in runs),
    )


def _rows(warehouse: Path, days: Sequence[date]) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as con:
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
