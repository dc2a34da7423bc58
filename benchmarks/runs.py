"""A first run of a history, as a user runs it: `strata run` on files as in life.

It is held against `first_run.sql`, `snapshot.sql`, `first_run_past.sql` and `first_run_end.sql`, which start
at the same landed batches; every row that they write is compared. The purchase models, which the script has not, are
switched off for that; runs with them, and with little memory, are steps of their own.
"""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.bare_run import BASE, TABLES
from benchmarks.history import LAST_DAY, ZONE, History
from benchmarks.installation import Installation
from benchmarks.measuring import Measured, measure
from benchmarks.run_parts import RunTimes, behind, newest_run
from benchmarks.steps import Comparison, Say, Step
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse.retention import DAY_COLUMNS, ISSUED

FIRST_RUN = 2.5
MODELS_NAMED = 8


def measure_runs(folder: Path, size: int, say: Say) -> list[Comparison]:
    """Landing four years and the first run on them, without purchase models, and the bare script."""
    plain, landing, first = ran_first(folder, size, say)
    parts = by_part("runs", "first run", size, first, newest_run(plain.settings.paths))
    left_out = _left_out(plain, size)
    say("the bare script")
    bare = folder / "bare"
    floor = run_bare(plain, bare, LAST_DAY)
    say("comparing every row")
    compare(plain.warehouse, bare / "warehouse.duckdb")
    shutil.rmtree(bare)
    say("computing again what the script does not write")
    compute_again(plain)
    return [
        Comparison("runs", "landing four years", size, landing, None),
        Comparison("runs", "first run", size, first, floor, FIRST_RUN, left_out, against="bare script"),
        *parts,
    ]


STEP = Step(
    name="runs",
    title="First run",
    floor="`benchmarks/first_run.sql`, `snapshot.sql`, `first_run_past.sql` and `first_run_end.sql`, one script from "
    "the same landed batches to the same tables, their Parquet files and a second DuckDB file",
    measure=measure_runs,
)


def ran_first(folder: Path, size: int, say: Say, *, foretells: bool = False) -> tuple[Installation, Measured, Measured]:
    """An installation below `folder` that has landed four years and run once, with what landing and the run took."""
    installation = Installation.at(folder / "installation", foretells=foretells)
    landing = landed(History(size), installation, say)
    say("the first run")
    return installation, landing, installation.strata("run", "--as-of", str(LAST_DAY))


def landed(history: History, installation: Installation, say: Say) -> Measured:
    """Land four years of files, which are written first."""
    say("generating four years of files")
    history.write_years(installation.data / "inbox")
    say("landing them")
    return installation.land()


def run_bare(installation: Installation, output: Path, day: date, *, month_ends: int | None = None) -> Measured:
    words = [str(installation.warehouse), str(installation.settings.paths.landing), str(output), ZONE, str(day)]
    learnt = [] if month_ends is None else [str(month_ends)]
    return measure([sys.executable, "-m", "benchmarks.bare_run", *words, *learnt])


def by_part(step: str, name: str, size: int, run: Measured, times: RunTimes) -> list[Comparison]:
    """The seconds of each room; what is left is start-up: Python, Dagster and the end."""
    seconds = {**times.parts, "start-up": max(run.seconds - sum(times.parts.values()), 0.0)}
    slowest = sorted(times.models, key=lambda model: -times.models[model])[:MODELS_NAMED]
    notes = {"segments": "slowest models: " + ", ".join(f"{model} {times.models[model]:.1f} s" for model in slowest)}
    return [
        Comparison(step, f"{name}: {part}", size, Measured(spent, 0.0, 0), None, note=notes.get(part, ""))
        for part, spent in seconds.items()
    ]


def _left_out(installation: Installation, size: int) -> str:
    """Which tables the script does not write, and what the models that only they need take of our time."""
    times = newest_run(installation.settings.paths)
    written = {*TABLES, *(name.rpartition(".")[2] for name in BASE)}
    needed = behind(installation.settings, written)
    others = sorted((name for name in times.models if name not in needed), key=lambda name: -times.models[name])
    named = ", ".join(f"{name} {times.share([name]):.0%}" for name in others[:MODELS_NAMED])
    return (
        f"at {size:,} orders the {len(others)} models that no table of the script needs take "
        f"{times.share(others):.0%} of the models' time, most of it {named}"
    )


def compare(warehouse: Path, bare: Path) -> None:
    """Raise unless every table of the script holds the warehouse's rows, value by value.

    Rows are counted and their hashes added up first, which needs no memory; only where those differ they are set
    against each other, since values of other types hash otherwise.
    """
    with duckdb.connect() as con:
        con.execute(f"attach {quote_literal(str(warehouse))} as ours (read_only)")
        con.execute(f"attach {quote_literal(str(bare))} as bare (read_only)")
        for table in (*BASE, *TABLES):
            schema, _, name = table.rpartition(".")
            columns = _columns(con, "ours", schema or "marts", name)
            ours = f"select {columns} from ours.{schema or 'marts'}.{name}"
            theirs = f"select {columns} from bare.{schema or 'main'}.{name}"
            if _sum_of_rows(con, ours) == _sum_of_rows(con, theirs):
                continue
            different = f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours}))"
            [(rows,)] = con.execute(f"select count(*) from ({different})").fetchall()
            if rows:
                shown = con.execute(f"{different} order by all limit 2").fetchall()
                raise AssertionError(f"{table}: {rows} rows differ from the bare script's, such as {shown}")


def compute_again(installation: Installation) -> None:
    """Raise unless the marts that the script does not write hold what their queries give in a file just opened."""
    with duckdb.connect() as con:
        con.execute(f"attach {quote_literal(str(installation.warehouse))} as strata (read_only)")
        con.execute(f"use strata; set TimeZone = {quote_literal(ZONE)}")
        day_of = dict(
            con.execute(
                "select columns.table_name, columns.column_name from duckdb_columns() as columns "
                "inner join duckdb_tables() using (database_oid, schema_oid, table_oid) "
                "where columns.database_name = 'strata' and columns.schema_name = 'marts' "
                "and list_contains(?, columns.column_name) and not list_contains(?, columns.table_name)",
                [list(DAY_COLUMNS), [*TABLES, *ISSUED]],
            ).fetchall()
        )
        queries = (installation.settings.paths.dbt_target / "compiled").rglob("models/marts/*/*.sql")
        for table, query in ((file.stem, file.read_text(encoding="utf-8")) for file in queries if file.stem in day_of):
            requested = f"{day_of[table]} in (select as_of_date from control.as_of_days where is_requested)"
            columns = _columns(con, "strata", "marts", table)
            stored = _sum_of_rows(con, f"select {columns} from marts.{table} where {requested}")
            again = _sum_of_rows(con, f"select {columns} from ({query})")
            if stored != again:
                raise AssertionError(f"{table}: {stored[0]} rows stored, {again[0]} computed again, or others")


def _columns(con: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> str:
    found = con.execute(
        "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ? "
        "order by column_index",
        [database, schema, table],
    ).fetchall()
    return ", ".join(quote_identifier(column) for (column,) in found)


def _sum_of_rows(con: duckdb.DuckDBPyConnection, select: str) -> tuple[object, ...]:
    sums = con.execute(f"select count(*), sum(hash(found)), bit_xor(hash(found)) from ({select}) as found").fetchall()
    return sums[0]
