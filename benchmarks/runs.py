"""A first run of a history, and the day after it, as a user runs them: `strata run` on files as in life.

The first run is held against `first_run.sql`, `snapshot.sql`, `first_run_past.sql` and `first_run_end.sql`, which start
at the same landed batches; every row that they write is compared. The purchase models are switched off for that, and
measured beside it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import duckdb

from benchmarks.bare_run import BASE, TABLES
from benchmarks.history import LAST_DAY, LATE_CORRECTIONS, ZONE, History
from benchmarks.installation import Installation
from benchmarks.measuring import Measured, attempt, measure
from benchmarks.run_parts import RunTimes, behind, newest_run
from benchmarks.steps import Comparison, Say, Step
from dagster_project.sql_text import quote_literal

FIRST_RUN = 2.5
DAILY_RUN = 0.25
MODELS_NAMED = 8
LITTLE_MEMORY = "2GB"
LARGE = 10_000_000  # orders from which on a run does not fit into it anyway


def measure_runs(folder: Path, size: int, say: Say) -> list[Comparison]:
    """First run, the same with purchase models, the next day with a thousand late corrections, and their repair."""
    history = History(size)
    plain = Installation.at(folder / "plain", foretells=False)
    say("generating four years of files")
    history.write_years(plain.data / "inbox")
    say("landing them")
    landing = plain.land()
    shipped = Installation.at(folder / "shipped")
    shipped.landed_as(plain)
    say("the first run, without purchase models")
    first = plain.strata("run", "--as-of", str(LAST_DAY))
    say("the bare script")
    floor = _bare(plain, folder / "bare")
    say("comparing every row")
    compare(plain.warehouse, folder / "bare" / "warehouse.duckdb")
    parts = [
        Comparison("runs", "landing four years", size, landing, None),
        Comparison("runs", "first run", size, first, floor, FIRST_RUN, _left_out(plain, size), against="bare script"),
        *_by_part("first run", size, first, newest_run(plain.settings.paths)),
    ]
    if size >= LARGE:
        say(f"the first run with {LITTLE_MEMORY} of memory for each DuckDB")
        parts.append(_with_little_memory(plain, folder / "small", size, first))
    for done in ("plain", "bare"):
        shutil.rmtree(folder / done)
    say("the first run, as shipped")
    as_shipped = shipped.strata("run", "--as-of", str(LAST_DAY))
    paths = shipped.settings.paths
    parts += [
        Comparison("runs", "first run as shipped", size, as_shipped, first, against="without purchase models"),
        *_by_part("first run as shipped", size, as_shipped, newest_run(paths)),
    ]
    say("the next day")
    day = history.write_next_day(shipped.data / "inbox")
    daily = shipped.strata("run", "--as-of", str(day))
    whole = Measured(
        landing.seconds + as_shipped.seconds,
        landing.cpu_seconds + as_shipped.cpu_seconds,
        max(landing.peak_bytes, as_shipped.peak_bytes),
    )
    parts += [
        Comparison("runs", "daily run", size, daily, whole, DAILY_RUN, against="landing and first run as shipped"),
        *_by_part("daily run", size, daily, newest_run(paths)),
    ]
    say("rebuilding the days that late corrections marked")
    repair = shipped.strata("backfill", "--marked")
    parts.append(
        Comparison(
            "runs",
            "repair of marked days",
            size,
            repair,
            None,
            note=f"of one stored day, which {LATE_CORRECTIONS:,} late corrections had marked",
        )
    )
    return parts


def _with_little_memory(like: Installation, folder: Path, size: int, first: Measured) -> Comparison:
    small = Installation.at(folder, foretells=False)
    small.landed_as(like)
    ours = attempt(lambda: small.strata("run", "--as-of", str(LAST_DAY), memory_limit=LITTLE_MEMORY))
    shutil.rmtree(folder)
    name = f"first run with {LITTLE_MEMORY} for each DuckDB"
    return Comparison("runs", name, size, ours, first, against="a quarter of the machine's memory")


STEP = Step(
    name="runs",
    title="First run and daily run",
    floor="`benchmarks/first_run.sql`, `snapshot.sql`, `first_run_past.sql` and `first_run_end.sql`, one script from "
    "the same landed batches to the same tables, their Parquet files and a second DuckDB file",
    measure=measure_runs,
)


def _bare(installation: Installation, output: Path) -> Measured:
    words = [str(installation.warehouse), str(installation.settings.paths.landing), str(output), ZONE, str(LAST_DAY)]
    return measure([sys.executable, "-m", "benchmarks.bare_run", *words])


def _by_part(name: str, size: int, run: Measured, times: RunTimes) -> list[Comparison]:
    """The seconds of each room; what is left is start-up: Python, Dagster and the end."""
    seconds = {**times.parts, "start-up": max(run.seconds - sum(times.parts.values()), 0.0)}
    slowest = sorted(times.models, key=lambda model: -times.models[model])[:MODELS_NAMED]
    notes = {"segments": "slowest models: " + ", ".join(f"{model} {times.models[model]:.1f} s" for model in slowest)}
    return [
        Comparison("runs", f"{name}: {part}", size, Measured(spent, 0.0, 0), None, note=notes.get(part, ""))
        for part, spent in seconds.items()
    ]


def _left_out(installation: Installation, size: int) -> str:
    """Which tables the script does not write, and what the models that only they need take of our time."""
    times = newest_run(installation.settings.paths)
    written = {*TABLES, *(name.rpartition(".")[2] for name in BASE)}
    both = behind(installation.settings, written)
    others = sorted((name for name in times.models if name not in both), key=lambda name: -times.models[name])
    named = ", ".join(f"{name} {times.share([name]):.0%}" for name in others[:MODELS_NAMED])
    return (
        f"at {size:,} orders the {len(others)} models that no table of the script needs take "
        f"{times.share(others):.0%} of the models' time, most of it {named}"
    )


def compare(warehouse: Path, bare: Path) -> None:
    """Raise unless every table of the script holds the warehouse's rows, value by value."""
    with duckdb.connect() as con:
        con.execute(f"attach {quote_literal(str(warehouse))} as ours (read_only)")
        con.execute(f"attach {quote_literal(str(bare))} as bare (read_only)")
        for table in (*BASE, *TABLES):
            schema, _, name = table.rpartition(".")
            ours, theirs = f"ours.{schema or 'marts'}.{name}", f"bare.{schema or 'main'}.{name}"
            columns = ", ".join(
                column
                for (column,) in con.execute(
                    "select column_name from duckdb_columns() where database_name = 'ours' and schema_name = ? "
                    "and table_name = ? order by column_index",
                    [schema or "marts", name],
                ).fetchall()
            )
            ours, theirs = f"select {columns} from {ours}", f"select {columns} from {theirs}"
            different = f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours}))"
            [(rows,)] = con.execute(f"select count(*) from ({different})").fetchall()
            if rows:
                shown = con.execute(f"{different} order by all limit 2").fetchall()
                raise AssertionError(f"{table}: {rows} rows differ from the bare script's, such as {shown}")
