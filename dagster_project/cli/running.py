"""Runs of days: what a run and a backfill do, and what they show when they are done."""

from __future__ import annotations

import contextlib
import getpass
from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dagster_project.cli.common import (
    DayOption,
    asked_day,
    day_of,
    last_complete_day_of,
    new_console,
    read_manifest,
    read_settings,
    read_stored,
    turn_of,
    warn,
)
from dagster_project.errors import StrataError

if TYPE_CHECKING:
    import dagster as dg
    from rich.table import Table

    from dagster_project.defs.jobs import RunOfDays
    from dagster_project.settings import Settings


class RunFailed(StrataError):
    """A run did not succeed; the message is what its steps said."""


class Every(StrEnum):
    """Which days of a range are built."""

    DAY = "day"
    MONTH_END = "month-end"


def run(as_of: DayOption = None) -> None:
    """Land what is new, classify the day, publish it, issue its lists and write its report.

    The day is the last complete business day, or for the sample its last day of data.
    """
    console = new_console()
    settings = read_settings()
    day = asked_day(as_of) or _default_day(settings)
    _refuse_outside(settings, [day])
    console.print(f"[bold]Customer Strata[/] classifies customers as of [bold]{day}[/]")
    newest_before = read_manifest(settings).newest_sequence
    _run_job(console, settings, "daily", [day])
    _show_landed(console, settings, newest_before)
    _show_day(console, settings, day)
    _show_marked(console, settings)


def backfill(
    first: Annotated[str | None, typer.Option("--from", help="First business day, YYYY-MM-DD.", metavar="DAY")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last business day, YYYY-MM-DD.", metavar="DAY")] = None,
    every: Annotated[Every, typer.Option(help="Build every day of the range, or its month ends.")] = Every.DAY,
    marked: Annotated[
        bool, typer.Option("--marked", help="Build the days that later batches have changed, newest first.")
    ] = False,
) -> None:
    """Classify and publish past days in one run, marked days some a run. Issues no list and writes no report."""
    from dagster_project.warehouse.run_window import DayError

    console = new_console()
    settings = read_settings()
    if marked:
        if first or last:
            raise DayError("--marked chooses the days by itself; leave out --from and --to.")
        _rebuild_marked(console, settings)
        return
    days = _days_asked_for(first, last, every)
    _refuse_outside(settings, days)
    span = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    console.print(f"[bold]Customer Strata[/] classifies customers as of [bold]{span}[/]")
    newest_before = read_manifest(settings).newest_sequence
    _run_job(console, settings, "backfill", days)
    _show_landed(console, settings, newest_before)
    console.print(_places(settings, days[-1], is_daily=False))
    _show_marked(console, settings)


def execute(console: Console, settings: Settings, job: dg.JobDefinition, request: RunOfDays) -> None:
    """Run `job` in this process when its turn with the warehouse has come, with progress.

    Raises:
        RunFailed: it did not succeed; the message says what failed.
        WarehouseHeld: another run had its turn for too long.
    """
    from dagster_project.defs import runs
    from dagster_project.defs.alerts import tell_of_refusal, tell_of_run
    from dagster_project.terminal import run_display
    from dagster_project.warehouse import WarehouseHeld

    say = partial(warn, console)
    with runs.opened_instance(settings.paths) as instance:

        def end_dead_runs() -> None:
            for run_id in runs.end_dead_runs(instance):
                say(f"run {run_id[:8]} was killed; marked as failed")
                tell_of_run(instance, settings, run_id, say=say)

        end_dead_runs()
        with contextlib.ExitStack() as own:
            try:
                own.enter_context(turn_of(console, settings, f"strata, job {request.job_name}"))
            except WarehouseHeld:
                tell_of_refusal(settings, request.job_name, say=say)
                raise
            end_dead_runs()  # whoever had the turn before may have been killed in it
            with run_display(console) as display:
                outcome = runs.run_job(
                    job,
                    instance=instance,
                    logs=settings.paths.logs,
                    tags=request.tags,
                    config=request.config,
                    listen=lambda happened: display.show(happened.kind, happened.step, happened.text),
                )
        tell_of_run(
            instance, settings, outcome.run_id, say=partial(_noted, outcome.log_file, say), log=outcome.log_file
        )
    if not outcome.succeeded:
        raise RunFailed("\n".join([*outcome.failures, f"The run's log: {outcome.log_file}"]))


def _run_job(console: Console, settings: Settings, job_name: str, days: Sequence[date]) -> None:
    """Run a job on `days` in this process, with progress.

    Raises:
        RunFailed: it did not succeed; the message says what failed.
    """
    with console.status("starting"):
        from dagster_project.definitions import build_definitions
        from dagster_project.defs.jobs import run_request

        request = run_request(job_name, days, asked_by=getpass.getuser())
        job = build_definitions(settings).resolve_job_def(request.job_name)
    execute(console, settings, job, request)


def _noted(log_file: Path, say: Callable[[str], None], text: str) -> None:
    """Say `text`, and keep it in the run's log, which outlives cron's mail."""
    with log_file.open("a", encoding="utf-8") as log:
        log.write(f"{text}\n")
    say(text)


def _rebuild_marked(console: Console, settings: Settings) -> None:
    """Rebuild marked days, newest first, some a run. Days that are marked again meanwhile are left for the next time.

    Raises:
        RunFailed: a run did not succeed; the days of those before it are done.
    """
    from dagster_project.terminal import counted
    from dagster_project.warehouse.marks import chunks_newest_first

    size = settings.publishing.snapshots.rebuild_days_per_run
    starts_on = settings.sources.business.history_starts_on
    newest_before = read_manifest(settings).newest_sequence
    done: set[date] = set()
    while waiting := [day for day in read_stored(settings).marked.days if day >= starts_on and day not in done]:
        days = chunks_newest_first(waiting, size)[0]
        span = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
        left = len(waiting) - len(days)
        console.print(f"[bold]Customer Strata[/] classifies customers as of [bold]{span}[/]; {left:,} more are marked")
        try:
            _run_job(console, settings, "backfill", days)
        except RunFailed as failed:
            said = (
                f"{counted(len(done), 'day')} of those marked stay rebuilt, {counted(len(waiting), 'day')} stay marked."
            )
            raise RunFailed(f"{failed}\n{said}") from None
        done.update(days)
    if not done:
        console.print("No stored day is marked: every day holds all that has landed.")
        return
    _show_landed(console, settings, newest_before)
    console.print(_places(settings, max(done), is_daily=False))
    _show_marked(console, settings)


def _days_asked_for(first: str | None, last: str | None, every: Every) -> list[date]:
    from dagster_project.warehouse.run_window import DayError, days_between, month_ends_between

    if not first or not last:
        raise DayError("Say --from DAY and --to DAY, or --marked.")
    between = month_ends_between if every is Every.MONTH_END else days_between
    return between(day_of(first, "--from"), day_of(last, "--to"))


def _default_day(settings: Settings) -> date:
    if settings.sources.business.sample:
        from dagster_project.sources.sample import SAMPLE_LAST_DAY

        return SAMPLE_LAST_DAY
    return last_complete_day_of(settings)


def _refuse_outside(settings: Settings, days: Sequence[date]) -> None:
    from dagster_project.warehouse.run_window import refuse_outside

    history_starts_on = settings.sources.business.history_starts_on
    refuse_outside(days, history_starts_on=history_starts_on, last_complete=last_complete_day_of(settings))


def _show_landed(console: Console, settings: Settings, newest_before: int) -> None:
    from dagster_project.terminal import landed_table

    manifest = read_manifest(settings)
    rows = []
    for entity in sorted({batch.entity for batch in manifest.batches}):
        now = sum(b.stored for b in manifest.batches if b.entity == entity and b.sequence > newest_before)
        counts = [count for count in manifest.row_counts() if count.entity == entity]
        read, accepted = sum(count.rows_read for count in counts), sum(count.accepted for count in counts)
        rejected, excluded = sum(count.rejected for count in counts), sum(count.excluded for count in counts)
        rows.append((entity, now, read, accepted, rejected, excluded))
    console.print(landed_table(rows))


def _show_day(console: Console, settings: Settings, day: date) -> None:
    from dagster_project.terminal import lists_table, spread_table
    from dagster_project.warehouse import opened
    from dagster_project.warehouse.measures import customers_by_stage_and_tier, list_sizes

    wait = settings.environment.warehouse_wait_seconds
    with opened(settings.paths.warehouse, who="strata run", wait_seconds=wait, progress=console.print) as con:
        spread = customers_by_stage_and_tier(con, day)
        sizes = list_sizes(con, day)
    console.print(spread_table(f"Customers on {day}", spread.stages, spread.tiers, spread.customers))
    console.print(lists_table(sizes))
    console.print(_places(settings, day, is_daily=True))


def _show_marked(console: Console, settings: Settings) -> None:
    from dagster_project.terminal import counted

    marked = read_stored(settings).marked.days
    if marked:
        are = "is" if len(marked) == 1 else "are"
        console.print(
            f"[yellow]…[/] {counted(len(marked), 'day')} ({marked[0]} to {marked[-1]}) {are} older than "
            "what has landed for them; `strata backfill --marked` rebuilds them.",
            highlight=False,
        )


def _places(settings: Settings, day: date, *, is_daily: bool) -> Table:
    from dagster_project.terminal import places_table

    paths = settings.paths
    publishing = settings.publishing
    places: list[tuple[str, Path | str]] = []
    if publishing.parquet.enabled:
        places.append(("tables, Parquet", paths.published / "parquet" / f"as_of_date={day}"))
    if publishing.serving_copy.enabled:
        places.append(("tables, DuckDB", paths.published / "serving" / "strata.duckdb"))
    if publishing.postgres.enabled:
        places.append(("tables, PostgreSQL", f"schema {publishing.postgres.schema_name}"))
    if is_daily:
        places.append(("lists", paths.lists / str(day)))
        if publishing.report.enabled:
            places += [
                (f"report ({language})", paths.reports / str(day) / f"report-{language}.html")
                for language in publishing.report.languages
            ]
    return places_table(places)
