"""`strata`: the command line over the same jobs that Dagster schedules. Each command is a few lines; rooms do the work.

What a user can mend is printed without a traceback and ends with exit code 1. Dagster is imported when a command needs
it: it takes two seconds, and `strata --help` none.
"""

from __future__ import annotations

import contextlib
import gc
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from dagster_project import __version__
from dagster_project.errors import StrataError, disk_full

if TYPE_CHECKING:
    import dagster as dg
    import duckdb
    from rich.table import Table

    from dagster_project.defs.jobs import RunOfDays
    from dagster_project.landing import Manifest
    from dagster_project.privacy.forgetting import Proof
    from dagster_project.settings import Settings
    from dagster_project.warehouse.marks import MarkedDays
    from dagster_project.warehouse.standard_use import OutdatedDays
    from dagster_project.warehouse.upgrading import Plan

app = typer.Typer(
    name="strata",
    help="Customer Strata: land orders and CRM exports, classify customers for any day, publish segments and lists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
quarantine = typer.Typer(help="Rows that broke the contract.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
standards = typer.Typer(help="The classification standard and its versions.", no_args_is_help=True)
app.add_typer(standards, name="standards")
clusters = typer.Typer(help="The optional cluster dimension.", no_args_is_help=True)
app.add_typer(clusters, name="clusters")
alerts = typer.Typer(help="Messages about failed runs, failed checks and late data.", no_args_is_help=True)
app.add_typer(alerts, name="alerts")

PLAIN_WIDTH = 120
# Of the batches that marked days, those that reach furthest back tell the story.
CAUSES_SHOWN = 12
OBJECTS_BETWEEN_LOOKS = 200_000
DayOption = Annotated[str | None, typer.Option(help="Business day, YYYY-MM-DD.", metavar="DAY")]
StoredDayOption = Annotated[str | None, typer.Option(help="A stored day, YYYY-MM-DD; else the newest.", metavar="DAY")]


class RunFailed(StrataError):
    """A run did not succeed; the message is what its steps said."""


class Tongue(StrEnum):
    """Languages of what is printed for people outside the data team."""

    ENGLISH = "en"
    CHINESE = "zh"


LanguageOption = Annotated[Tongue | None, typer.Option(help="Language; else that of publishing.yaml.")]


class Every(StrEnum):
    """Which days of a range are built."""

    DAY = "day"
    MONTH_END = "month-end"


def main() -> None:
    """Entry point of the console script."""
    # What is imported stays to the end: looking for garbage at Python's own rate is 0.6 of Dagster's 3.4 s.
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    with _refusals():
        app()


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:
        print(f"strata {__version__}")  # noqa: T201
        raise typer.Exit


@app.command()
def run(as_of: DayOption = None) -> None:
    """Land what is new, classify the day, publish it, issue its lists and write its report.

    The day is the last complete business day, or for the sample its last day of data.
    """
    console = _console()
    settings = _settings()
    day = _day(as_of, "--as-of") if as_of else _default_day(settings)
    _refuse_outside(settings, [day])
    console.print(f"[bold]Customer Strata[/] classifies customers as of [bold]{day}[/]")
    newest_before = _manifest(settings).newest_sequence
    _run_job(console, settings, "daily", [day])
    _show_landed(console, settings, newest_before)
    _show_day(console, settings, day)
    _show_marked(console, settings)


@app.command()
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

    console = _console()
    settings = _settings()
    if marked:
        if first or last:
            raise DayError("--marked chooses the days by itself; leave out --from and --to.")
        _rebuild_marked(console, settings)
        return
    days = _days_asked_for(first, last, every)
    _refuse_outside(settings, days)
    span = f"{days[0]}" if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    console.print(f"[bold]Customer Strata[/] classifies customers as of [bold]{span}[/]")
    newest_before = _manifest(settings).newest_sequence
    _run_job(console, settings, "backfill", days)
    _show_landed(console, settings, newest_before)
    console.print(_places(settings, days[-1], is_daily=False))
    _show_marked(console, settings)


@app.command()
def init(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Files of orders, customers …; URLs of files; or the URL of a database.", metavar="FILE_OR_URL…"
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(help="Write here; else to sources.yaml of the config folder.", metavar="FILE")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Of the business, such as Europe/Dublin; else guessed.", metavar="ZONE")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Of the reports, such as EUR; else guessed.", metavar="CODE")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace settings of your own; they are kept beside.")] = False,
) -> None:
    """Look at your files, and write config/sources.yaml with what they seem to be and what is doubtful."""
    from dagster_project.first_look.document import document
    from dagster_project.first_look.looking import look_first
    from dagster_project.first_look.placing import place, refuse_to_replace
    from dagster_project.first_look.preview import preview
    from dagster_project.first_look.telling import tell
    from dagster_project.settings.environment import read_environment
    from dagster_project.settings.paths import find_paths
    from dagster_project.settings.sources import SourcesSettings
    from dagster_project.settings.yaml_documents import load_model

    console = _console()
    paths = find_paths()
    now = datetime.now(UTC)
    refuse_to_replace(paths, output, force=force)
    secrets = read_environment().secrets
    with console.status("looking at the files") as status:
        found = look_first(
            files, paths=paths, now=now, secrets=secrets, time_zone=time_zone, currency=currency, say=status.update
        )
        text = document(found)
        inspected = [] if found.missing else preview(paths, text, now=now, secrets=found.secrets)
    placed = place(paths, text, output=output)
    for each in tell(found, inspected, placed, paths, today=now.date()):
        console.print(each, highlight=False)
    load_model(placed.path, SourcesSettings)  # says with its line what is missing


@app.command()
def check(
    examples: Annotated[int, typer.Option(help="Rows shown of each reason.", min=0, max=50)] = 3,
) -> None:
    """Check settings and sources without writing anything: what would be quarantined, where, and why."""
    from dagster_project.first_look.telling import contract_rows
    from dagster_project.identity import missing_key_note
    from dagster_project.landing import inspect_reads, left_out, strangers
    from dagster_project.terminal import counted, plain_table

    console = _console()
    settings = _settings()
    business = settings.sources.business
    console.print(f"[green]✓[/] settings in {escape(str(settings.paths.config))}", highlight=False)
    console.print(
        f"  {settings.deployment.value}, {business.time_zone}, {business.currency}, history from "
        f"{business.history_starts_on}, standard {settings.standard.version}",
        highlight=False,
    )
    if note := missing_key_note(settings):
        console.print(f"[yellow]…[/] {note}", highlight=False)
    if business.sample and not settings.paths.inbox.exists():
        console.print("The sample's files are not in the inbox yet; the first `strata run` puts them there.")
        return
    with console.status("reading the sources"):
        reads = inspect_reads(settings, now=datetime.now(UTC), examples=examples)
    rows: list[list[object]] = []
    for read in reads:
        counts = (read.counts.read, read.counts.rejected, read.counts.excluded) if read.counts else (None, None, None)
        fault = read.problem or ("more bad rows than bad_rows_limit allows" if read.is_above_limit else None)
        found = " ".join([fault or "ok", *read.notes])
        rows.append([read.source, read.entity, read.source_file, *counts, found])
    columns = ["source", "entity", "file", "rows", "to quarantine", "of which by rule", "found"]
    console.print(plain_table("Sources", columns, rows))
    reasons = [[read.source, read.entity, reason, count] for read in reads for reason, count in read.reasons]
    if reasons:
        console.print(plain_table("Why rows would go to quarantine", ["source", "entity", "reason", "rows"], reasons))
    places = [[read.source_file, row.row_number, row.columns, row.reason] for read in reads for row in read.examples]
    if places:
        console.print(
            plain_table("Such rows (numbered without the header)", ["file", "row", "column", "reason"], places)
        )
    shown: set[tuple[str, str]] = set()
    for read in reads:
        if read.first_rows and (read.source, read.entity) not in shown:
            shown.add((read.source, read.entity))
            console.print(contract_rows(f"{read.entity} of {read.source}, as the contract has them", read))
    for sentence in left_out(settings):
        console.print(f"[yellow]…[/] {escape(sentence)}", highlight=False)
    for target in settings.publishing.alerts.targets:
        if target.variable not in settings.environment.secrets.variables:
            _warn(console, f"alert target {target.name} has no address: set {target.variable} in the environment")
    others = strangers(settings)
    if others:
        console.print(
            f"[yellow]…[/] {escape(str(settings.paths.data))} also holds what landed from {escape(', '.join(others))}; "
            "it counts although sources.yaml no longer names it. To begin without it, move that folder away.",
            highlight=False,
        )
    faults = sum(read.problem is not None or read.is_above_limit for read in reads)
    if faults:
        raise StrataError(f"{faults} of {counted(len(reads), 'file')} cannot be landed as they are.")


@app.command()
def report(as_of: DayOption = None) -> None:
    """Write the report of a stored day again."""
    from dagster_project.defs.publishing import write_day_report
    from dagster_project.warehouse import opened

    console = _console()
    settings = _settings()
    with opened(
        settings.paths.warehouse,
        who="strata report",
        wait_seconds=settings.environment.warehouse_wait_seconds,
        progress=console.print,
    ) as con:
        day = _day(as_of, "--as-of") if as_of else _newest_stored_day(con)
        for page in write_day_report(con, settings, day):
            console.print(page)


@app.command()
def push(
    as_of: Annotated[
        str | None, typer.Option(help="Day of an issued list, YYYY-MM-DD; else the newest.", metavar="DAY")
    ] = None,
    crm: Annotated[
        str | None, typer.Option(help="Only this one of the CRMs of publishing.yaml.", metavar="NAME")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go out; ask, and write nothing.")] = False,
) -> None:
    """Write an issued list to the CRMs of publishing.yaml, one task a customer. Again, it changes nothing."""
    from dagster_project.publishing.crm.telling import dry_run_tables, heading, push_table, refused_table
    from dagster_project.publishing.crm.work import chosen_targets, dry_run_of, push_of, read_tasks
    from dagster_project.terminal import counted

    console = _console()
    settings = _settings()
    targets = chosen_targets(settings, crm)
    asked_day = _day(as_of, "--as-of") if as_of else None
    now = datetime.now(UTC)
    tasks = read_tasks(settings, targets, asked_day, now=now, who="strata push", say=console.print)
    if dry_run:
        for each in tasks:
            console.print(f"[bold]{escape(heading(each))}[/]; nothing is written", highlight=False)
            for table in dry_run_tables(each, dry_run_of(settings, each, say=console.print)):
                console.print(table)
        return
    refused = 0
    for each in tasks:
        console.print(f"[bold]{escape(heading(each))}[/]", highlight=False)
        who = getpass.getuser()
        done = push_of(settings, each, now=now, who=who, why="strata push", say=console.print)
        console.print(push_table(done))
        if done.refused:
            console.print(refused_table(each, done))
        refused += len(done.refused)
    if refused:
        raise StrataError(f"{counted(refused, 'task')} refused. Mend what the CRM says, and push again.")


@app.command()
def explain(
    customer: Annotated[
        str,
        typer.Argument(help="customer_id, SOURCE:REFERENCE, or a reference that one source has.", metavar="CUSTOMER"),
    ],
    as_of: StoredDayOption = None,
    language: LanguageOption = None,
) -> None:
    """Say of a customer why they are where they are on a day, what the plan is, and which classes they had."""
    from dagster_project.explaining.content import read_explanation
    from dagster_project.explaining.serving_copy import chosen_day, find_customer, opened_serving_copy
    from dagster_project.explaining.telling import tell
    from dagster_project.settings.publishing import Language
    from dagster_project.terminal import grouped_table, pairs_table, plain_table

    console = _console()
    settings = _settings()
    with opened_serving_copy(settings) as con:
        found = find_customer(con, customer)
        day = chosen_day(con, _day(as_of, "--as-of") if as_of else None)
        explanation = read_explanation(con, found.customer_id, day)
    chosen = settings.publishing.language if language is None else Language(language)
    told = tell(explanation, found, customer, language=chosen, currency=settings.sources.business.currency)
    console.print(f"[bold]{escape(told.title)}[/]", highlight=False)
    for note in told.notes:
        console.print(f"[yellow]…[/] {escape(note)}", highlight=False)
    console.print(pairs_table(told.who), "")
    console.print(plain_table(told.classes.title, told.classes.columns, told.classes.rows), "")
    if told.plan:
        console.print(pairs_table(told.plan, told.plan_title), "")
    if told.history.rows:
        console.print(grouped_table(told.history.title, told.history.columns, told.history.rows))


@app.command()
def where(
    customer: Annotated[
        str,
        typer.Argument(
            help="customer_id, SOURCE:REFERENCE, a reference, a phone, an e-mail address or a WeChat id.",
            metavar="CUSTOMER",
        ),
    ],
    export: Annotated[
        Path | None, typer.Option(help="Write all of it as JSON, readable by you only.", metavar="FILE.json")
    ] = None,
) -> None:
    """Show all that is held about a person, place by place; with --export, hand it over."""
    from dagster_project.privacy.holdings import export as export_held
    from dagster_project.privacy.holdings import find_held
    from dagster_project.terminal import counted, plain_table

    console = _console()
    settings = _settings()
    with console.status("looking") as status:
        held = find_held(settings, customer, status.update)
    console.print(f"[bold]{escape(held.person.title)}[/]", highlight=False)
    console.print(plain_table("What is held", ["place", "what", "rows"], held.summary()))
    for title, files in (
        ("Your own files that hold the person; nothing here changes them", held.inbox_files),
        ("Other files with a name or contact point of the person", held.other_files),
    ):
        if files:
            console.print(plain_table(title, ["file"], [[file] for file in files]))
    if export is not None:
        export_held(held, export, settings, now=datetime.now(UTC).isoformat(), who=getpass.getuser())
        console.print(
            f"{counted(held.rows, 'row')} written to {escape(str(export))}, on record in "
            f"{escape(str(settings.paths.audit / 'personal_exports.jsonl'))}.",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def forget(
    customers: Annotated[
        list[str] | None,
        typer.Argument(help="As for `strata where`; several people at once cost what one does.", metavar="CUSTOMER…"),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file of customers, one a line.", metavar="FILE")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an erasure that was interrupted.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Erase those of the log of erasures who are back: after a restore.")
    ] = False,
) -> None:
    """Erase people: their rows go everywhere, their orders stay as nobody's, and they do not land again."""
    from dagster_project.defs.publishing import TargetsAndLists
    from dagster_project.landing.erased import erasure_key
    from dagster_project.privacy import forgetting
    from dagster_project.privacy.holdings import find_held
    from dagster_project.terminal import counted, plain_table

    console = _console()
    settings = _settings()
    who = getpass.getuser()
    clock = partial(datetime.now, UTC)
    now = clock()
    if resume:
        with _turn(console, settings, "strata forget"), console.status("finishing") as status:
            publisher = TargetsAndLists(settings, who=who, now=now, say=status.update)
            proof = forgetting.resume(settings, publisher, clock=clock, say=status.update)
        if proof is None:
            console.print("No erasure was interrupted.")
            return
        _show_proof(console, proof)
        return
    named = [*(customers or ()), *(_lines_of(file) if file else ())]
    if again:
        named += forgetting.erased_who_are_back(settings)
        if not named:
            console.print("Nobody of the log of erasures is back.")
            return
    if not named:
        raise StrataError("Say whom to forget: CUSTOMER…, --file FILE, --again or --resume.")
    erasure_key(settings)  # says now what is missing
    found: dict[int, forgetting.Asked] = {}
    with console.status("looking") as status:
        for each in named:
            held = find_held(settings, each, status.update, with_files=False)
            asked = f"{held.person.keys.references[0][0]}:{held.person.keys.references[0][1]}"
            found.setdefault(held.person.customer_id, forgetting.Asked(asked, held.person.title, held.summary()))
    for one in found.values():
        console.print(plain_table(one.title, ["place", "what", "rows"], one.held))
    if not yes:
        console.print(
            f"{counted(len(found), 'customer')} would be erased for good, also from landed batches. Their orders keep "
            "day, amounts and product under random keys. Files in the inbox and backups are yours to clean.",
            highlight=False,
        )
        typer.confirm("Erase?", abort=True)
    with _turn(console, settings, "strata forget"), console.status("erasing") as status:
        publisher = TargetsAndLists(settings, who=who, now=now, say=status.update)
        proof = forgetting.forget(settings, list(found.values()), publisher, clock=clock, who=who, say=status.update)
    _show_proof(console, proof)


@app.command()
def impact(
    file: Annotated[Path, typer.Argument(help="A standards.yaml that is not in use yet.", metavar="NEW_STANDARD.yaml")],
    as_of: StoredDayOption = None,
    language: LanguageOption = None,
) -> None:
    """Show who would move from which class to which under another standard, and what that brings. Changes nothing."""
    from dagster_project.impact import impact_tables, measure_impact, write_impact_page
    from dagster_project.settings.publishing import Language

    console = _console()
    settings = _settings()
    chosen = settings.publishing.language if language is None else Language(language)
    with console.status("reading the published copy") as status:
        measured = measure_impact(settings, file, _day(as_of, "--as-of") if as_of else None, status.update)
    for table in impact_tables(measured, chosen):
        console.print(table)
    page = write_impact_page(measured, settings.paths.impact, chosen)
    console.print(escape(str(page)), highlight=False, soft_wrap=True)


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
) -> None:
    """Remove lists, refused rows, contact data, logs and runs past the ages of publishing.yaml's `retention`."""
    from dagster_project.privacy.purging import purge as purge_aged
    from dagster_project.terminal import plain_table

    console = _console()
    settings = _settings()
    now = datetime.now(UTC)
    turn = contextlib.nullcontext() if dry_run else _turn(console, settings, "strata purge")
    with turn, console.status("looking") as status:
        removed = purge_aged(settings, now=now, who=getpass.getuser(), say=status.update, is_dry_run=dry_run)
        if settings.publishing.retention.runs is not None:
            from dagster_project.defs.purging import remove_aged_runs
            from dagster_project.defs.runs import opened_instance

            with opened_instance(settings.paths) as instance:
                removed += remove_aged_runs(instance, settings, now=now, is_dry_run=dry_run)
    if not removed:
        console.print("Nothing is past its age.")
        return
    title = "Would be removed" if dry_run else "Removed"
    rows = [[each.place, each.what, each.kept_days, each.count] for each in removed]
    console.print(plain_table(title, ["place", "what", "days kept", "count"], rows))


@app.command("opt-out")
def opt_out(
    customer: Annotated[
        str,
        typer.Argument(
            help="customer_id, SOURCE:REFERENCE, a reference, a phone, an e-mail address or a WeChat id.",
            metavar="CUSTOMER",
        ),
    ],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The customer objects no longer.")] = False,
) -> None:
    """Take a customer who objects to profiling out of all classes and lists, stored days included, from now on."""
    from dagster_project.privacy.opting_out import find_and_record
    from dagster_project.terminal import counted

    console = _console()
    settings = _settings()
    now = datetime.now(UTC)
    person = find_and_record(settings, customer, is_granted=withdraw, at=now, who=getpass.getuser())
    console.print(f"[bold]{escape(person.title)}[/]", highlight=False)
    if withdraw:
        console.print("Recorded. Days from today on classify the customer again when they are built.")
        return
    console.print("Recorded. No day from today on classifies the customer, and no list names them.")
    if settings.paths.warehouse.exists():
        from dagster_project.defs.publishing import publish_without

        with _turn(console, settings, "strata opt-out"):
            removed = publish_without(settings, person, now=now, who=getpass.getuser(), say=console.print)
        console.print(f"{counted(removed, 'row')} of stored days removed; what is published was written anew.")


@standards.command("list")
def standards_list() -> None:
    """Show the standards used so far, in the order in which they were registered, and the days stored by each."""
    from dagster_project.explaining.serving_copy import published_versions
    from dagster_project.terminal import plain_table
    from dagster_project.warehouse.standard_register import read_standards, with_standard

    console = _console()
    settings = _settings()
    registered = read_standards(settings.paths.standards)
    days_of: dict[str, list[date]] = {}
    for day, version in published_versions(settings).items():
        days_of.setdefault(version, []).append(day)
    rows: list[list[object]] = []
    for entry in with_standard(registered, settings.standard):
        days = days_of.get(entry.standard.version, [])
        span = [str(days[0]), str(days[-1])] if days else ["", ""]
        number = entry.sequence if entry in registered else "with the next run"
        since = entry.standard.effective_from or "all days"
        rows.append([number, entry.standard.version, entry.standard.name, since, len(days), *span])
    columns = ["registered", "version", "name", "holds from", "days published", "first", "last"]
    console.print(plain_table("Standards", columns, rows))


@standards.command("check")
def standards_check(
    file: Annotated[Path, typer.Argument(help="A standards.yaml that is not in use yet.", metavar="FILE")],
) -> None:
    """Check a standard and show what it says differently from the configured one."""
    from dagster_project.settings.standards import Standard
    from dagster_project.settings.standards.differences import differences
    from dagster_project.settings.yaml_documents import load_model
    from dagster_project.terminal import plain_table

    console = _console()
    settings = _settings()
    standard = load_model(file, Standard)
    since = f"from {standard.effective_from} on" if standard.effective_from else "for all days"
    console.print(f"[green]✓[/] {escape(str(file))}", highlight=False, soft_wrap=True)
    console.print(f"  {escape(standard.name)}, version {standard.version}, {since}", highlight=False)
    found = differences(settings.standard, standard)
    if not found:
        console.print("It says what the configured standard says.")
        return
    rows = [[each.place, each.before, each.after] for each in found]
    console.print(plain_table("Differences from the configured standard", ["place", "configured", "in the file"], rows))
    if standard.version == settings.standard.version:
        console.print("The version is the same: no customer changes class.")
    else:
        console.print(
            f"The configured version is {settings.standard.version}. `strata impact {escape(str(file))}` shows who "
            "would move.",
            highlight=False,
        )


@standards.command("schema")
def standards_schema() -> None:
    """Write the JSON Schema of standards.yaml, by which an editor completes and checks it."""
    from dagster_project.settings.standards import write_schema

    path = _settings().paths.config / "schemas" / "standards.schema.json"
    write_schema(path)
    _console().print(escape(str(path)), highlight=False, soft_wrap=True)


@clusters.command("fit")
def clusters_fit(as_of: StoredDayOption = None) -> None:
    """Fit the centres of the clusters to the customers of a stored day and keep them."""
    from dagster_project.clustering.fitting import fit_clusters
    from dagster_project.clustering.register import keep_fit, read_fits
    from dagster_project.explaining.serving_copy import chosen_day, opened_serving_copy
    from dagster_project.terminal import plain_table

    console = _console()
    settings = _settings()
    wanted = settings.standard.clusters
    if wanted is None:
        raise StrataError("standards.yaml says clusters: none. Say how many, e.g. clusters: { count: 4, seed: 7 }.")
    before = read_fits(settings.paths.clusters)
    with opened_serving_copy(settings) as con:
        day = chosen_day(con, _day(as_of, "--as-of") if as_of else None)
        fit, sizes = fit_clusters(con, day, count=wanted.count, seed=wanted.seed, kept=before)
    kept = keep_fit(settings.paths.clusters, fit)
    language = settings.publishing.language
    rows: list[list[object]] = []
    for size in sizes:
        label = settings.standard.label("cluster", size.cluster)
        name = getattr(label, language) if label else None
        measures = (size.recency_days, size.order_count_window, size.revenue_window)
        rows.append([size.cluster, name, size.customers, *measures])
    columns = ["cluster", "label", "customers", "recency_days", "order_count_window", "revenue_window"]
    console.print(plain_table(f"Clusters of {day}; medians of their customers", columns, rows))
    if kept in before:
        console.print("These are the centres of the last fit; nothing is kept anew.")
        return
    holds = "all days" if kept.fit.holds_from is None else f"all days from {kept.fit.holds_from} on"
    console.print(
        f"Kept as fit {kept.number}, which holds for {holds}. Stored days take it when they are rebuilt: "
        "`strata backfill --from DAY --to DAY`.",
        highlight=False,
        soft_wrap=True,
    )


@quarantine.command("list")
def quarantine_list() -> None:
    """Show what is in quarantine: how many rows, from which file, for which reason."""
    from dagster_project.contract.entities import ENTITIES
    from dagster_project.landing import shown_reason
    from dagster_project.landing.quarantine import list_quarantine
    from dagster_project.terminal import plain_table

    counts: dict[tuple[str, str, str, str, str], int] = {}
    for row in list_quarantine(_settings().paths).to_pylist():
        for reason in row["reasons"]:
            shown = shown_reason(ENTITIES[row["entity"]], reason)
            key = (row["source"], row["entity"], row["source_file"], row["kind"], shown)
            counts[key] = counts.get(key, 0) + 1
    rows = [[*key, count] for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    _console().print(plain_table("Quarantine", ["source", "entity", "file", "kind", "reason", "rows"], rows))


@quarantine.command("replay")
def quarantine_replay() -> None:
    """Read quarantined rows again, after a mapping has been mended; they count once."""
    from dagster_project.landing.quarantine import replay_quarantine
    from dagster_project.terminal import counted

    result = replay_quarantine(_settings(), now=datetime.now(UTC))
    console = _console()
    for read in result.reads:
        if read.note:
            said = f"{read.source}: {read.entity} from {read.source_file}: {read.note}"
            console.print(said, highlight=False, markup=False, soft_wrap=True)
    accepted = sum(batch.accepted for batch in result.batches)
    left = sum(batch.rejected for batch in result.batches)
    stay = "stays" if left == 1 else "stay"
    console.print(
        f"{counted(accepted, 'row')} accepted, {left:,} {stay} in quarantine. `strata run` takes them further."
    )


@alerts.command("test")
def alerts_test() -> None:
    """Send a test message to every target of publishing.yaml, and show what became of each."""
    from dagster_project.alerting.messages import message_of_test
    from dagster_project.alerting.sending import send
    from dagster_project.settings.alerts import AlertEvent
    from dagster_project.terminal import counted, plain_table

    console = _console()
    settings = _settings()
    if not settings.publishing.alerts.targets:
        raise StrataError("publishing.yaml names no target below alerts.targets.")
    sent = send(
        settings,
        lambda target, language: message_of_test(target.name, language),
        events=set(AlertEvent),
        say=lambda _: None,
        is_test=True,
    )
    rows = [[each.target, each.kind or "-", each.attempts, each.problem or "arrived"] for each in sent]
    console.print(plain_table("Alert targets", ["target", "kind", "tries", "what happened"], rows))
    lost = sum(bool(each.problem) for each in sent)
    if lost:
        raise StrataError(f"{lost} of {counted(len(sent), 'target')} cannot be reached.")


@alerts.command("late")
def alerts_late() -> None:
    """Look for late data and tell the targets, once a day; for cron, every hour, where no daemon runs."""
    from dagster_project.alerting.late import find_late
    from dagster_project.alerting.messages import message_of_late
    from dagster_project.defs.alerts import tell_of_late

    console = _console()
    settings = _settings()
    if not settings.publishing.alerts.watches_lateness:
        raise StrataError("publishing.yaml says nothing of when data is late: alerts.late_after, expected_every_hours.")
    now = datetime.now(UTC)
    late = find_late(settings, now=now)
    if not late:
        console.print("Nothing is late.")
        return
    told = tell_of_late(settings, late, now=now, say=partial(_warn, console))
    console.print(message_of_late(late, settings.publishing.language).body, highlight=False, markup=False)
    console.print("Targets were told." if told else "Nobody was told: there is no target, or it was told today.")


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="Where to put it; it gets a folder of its own there.")],
) -> None:
    """Save settings and all data that cannot be made again, while no run is at work."""
    from dagster_project.keeping.backup import back_up

    console = _console()
    settings = _settings()
    with _turn(console, settings, "strata backup"):
        saved = back_up(settings, folder, now=datetime.now(UTC), say=console.print)
    console.print(
        f"[green]✓[/] {saved.files:,} files, {saved.size / 1e6:,.1f} MB: {escape(str(saved.folder))}",
        highlight=False,
        soft_wrap=True,
    )
    console.print("The keys in the environment, such as STRATA_HASH_KEY, are not in it: keep them elsewhere.")


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="A folder that `strata backup` made.")]) -> None:
    """Put a backup into an installation without data; `strata run` and `strata backfill` make the rest again."""
    from dagster_project.keeping.backup import has_other_settings
    from dagster_project.keeping.backup import restore as put_back
    from dagster_project.settings.paths import find_paths

    console = _console()
    paths = find_paths()
    saved = put_back(paths, folder)
    console.print(
        f"[green]✓[/] {saved.files:,} files of {saved.made_at:%Y-%m-%d %H:%M} UTC are in {escape(str(paths.data))}",
        highlight=False,
        soft_wrap=True,
    )
    if has_other_settings(paths, folder):
        _warn(console, f"{paths.config} has other settings than the backup; its own are in {folder / 'config'}")
    if (paths.erasures / "log.jsonl").exists():
        console.print(
            "If people were erased since, put the newest data/erasures/log.jsonl here: `strata forget --again`."
        )
    console.print("Next: `strata check`, `strata run`, then `strata backfill` for the days to keep.")


@app.command()
def status() -> None:
    """Show what is stored: days, marked days, days of another standard than the one that holds now, the newest runs."""
    from dagster_project.defs.runs import newest_runs, opened_instance
    from dagster_project.terminal import counted, plain_table

    console = _console()
    settings = _settings()
    stored = _stored(settings)
    if stored.days:
        span = f"{stored.days[0]}" if len(stored.days) == 1 else f"{stored.days[0]} to {stored.days[-1]}"
        console.print(
            f"{counted(len(stored.days), 'day')} stored, {span}; {len(stored.marked.days):,} marked for a rebuild"
        )
    else:
        console.print("No day is stored yet; `strata run` builds one.")
    if stored.marked.days:
        spans = [[f"{each.first}", f"{each.last}", each.days] for each in stored.marked.spans]
        console.print(plain_table("Days older than what has landed for them", ["from", "to", "days"], spans))
        causes = [
            [each.source or "who is who", each.entity, each.source_file, f"{each.first_changed_on}", each.days]
            for each in stored.marked.causes[:CAUSES_SHOWN]
        ]
        console.print(plain_table("What marked them", ["source", "entity", "file", "changed from", "days"], causes))
        if (more := len(stored.marked.causes) - CAUSES_SHOWN) > 0:
            console.print(f"… and {more:,} more that reach less far back")
        console.print("`strata backfill --marked` rebuilds them, newest first; so does the sensor marked_days.")
    if stored.outdated:
        rows = [
            [f"{each.first}", f"{each.last}", each.days, each.version, each.name, each.version_now, each.name_now]
            for each in stored.outdated
        ]
        columns = ["from", "to", "days", "version", "name", "holds now", "its name"]
        console.print(plain_table("Days classified by another standard than the one that holds now", columns, rows))
        console.print("They keep their classes until they are rebuilt: `strata backfill --from DAY --to DAY`.")
    with opened_instance(settings.paths) as instance:
        runs = newest_runs(instance, 10)
    console.print(plain_table("Newest runs", ["run", "job", "days", "status", "began"], runs))


@app.command()
def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
) -> None:
    """Bring the warehouse of an older version to this one, from what has landed. Killed, it goes on when called again.

    Who reads has what was published until every day is built anew.
    """
    from dagster_project.terminal import counted, plain_table
    from dagster_project.warehouse import held, upgrading
    from dagster_project.warehouse.schema_version import version_now

    console = _console()
    settings = _settings()
    paths = settings.paths
    _manifest(settings)  # says now which entry cannot be read
    plan = upgrading.read_plan(paths)
    if plan is None and not paths.warehouse.exists():
        console.print("There is no warehouse yet; `strata run` builds one.")
        return
    turn = contextlib.nullcontext() if dry_run else _turn(console, settings, "strata upgrade")
    with (
        turn,
        held(
            paths.warehouse,
            who="strata upgrade",
            wait_seconds=settings.environment.warehouse_wait_seconds,
            progress=console.print,
            any_version=True,
        ) as old,
    ):
        with old.connection() as con:
            found = upgrading.standing(con, settings)
        if found.is_current:
            console.print(f"The warehouse is of version {version_now()}, which this Customer Strata works with.")
            if not dry_run:
                upgrading.clear(paths)
            return
        console.print(f"The warehouse is {found.version_named}; version {version_now()} is needed.", highlight=False)
        if not found.differences:
            if dry_run:
                console.print("Its tables are those of that version: nothing is built again.")
                return
            with old.connection() as con:
                upgrading.migrate(con)
            console.print(f"[green]✓[/] the warehouse is of version {version_now()}; nothing was built again")
            return
        if plan is not None:
            console.print("[yellow]…[/] an upgrade was begun and is gone on with")
        console.print(plain_table("Tables that differ", ["table"], [[each] for each in found.differences]))
        days = list(plan.days) if plan is not None else found.days
        span = f", {days[0]} to {days[-1]}" if days else ""
        console.print(f"{counted(len(days), 'day')} to build from what has landed{span}.", highlight=False)
        if found.left_out:
            console.print(
                f"[yellow]…[/] {counted(len(found.left_out), 'day')} from {found.left_out[0]} on are left out: "
                "they lie before business.history_starts_on of sources.yaml; move it back first to keep them.",
                highlight=False,
            )
        if dry_run:
            return
        _rebuild_warehouse(console, settings, plan or upgrading.begin(paths, days))
    console.print(f"[green]✓[/] the warehouse is of version {version_now()}")


@app.command()
def doctor(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Read every table and compare every checksum; takes the warehouse.")
    ] = False,
) -> None:
    """Look at this installation and say what is wrong with it, with the cure. Changes nothing."""
    from dagster_project.doctor.examining import examine
    from dagster_project.doctor.findings import Finding, Verdict, wrong
    from dagster_project.terminal import counted, findings_table

    console = _console()
    findings: list[Finding]
    try:
        settings = _settings()
    except StrataError as error:
        findings = [wrong("settings", str(error), "mend the line that it names; `strata check`")]
    else:
        with console.status("looking") as status:
            from dagster_project.defs.runs import dagster_facts

            findings = examine(
                settings,
                partial(dagster_facts, settings.paths),
                now=datetime.now(UTC),
                is_thorough=thorough,
                say=lambda about: status.update(f"looking at {about}"),
            )
    console.print(findings_table([(each.verdict.value, each.about, each.says, each.cure) for each in findings]))
    faults = [each for each in findings if each.verdict is Verdict.WRONG]
    if faults:
        raise StrataError(f"{counted(len(faults), 'thing')} wrong: {', '.join(each.about for each in faults)}.")
    doubts = sum(each.verdict is Verdict.WARNING for each in findings)
    console.print(f"Nothing is wrong; {counted(doubts, 'warning')}." if doubts else "Nothing is wrong.")


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000) -> None:
    """Serve Dagster's page on this machine, with its schedules, sensors and backfills."""
    from dagster_project.defs.runs import end_dead_runs, opened_instance, prepare_home
    from dagster_project.settings.children import process_environment

    settings = _settings()
    prepare_home(settings.paths)
    with opened_instance(settings.paths) as instance:
        end_dead_runs(instance)
    os.chdir(settings.paths.root)
    program = Path(sys.executable).with_name("dagster")
    words = ["dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    os.execve(program, words, process_environment(settings))  # noqa: S606


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except StrataError as error:
        Console(stderr=True).print(f"[red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except Exception as error:
        full = disk_full(error)
        if full is None:
            raise
        Console(stderr=True).print(f"[red]✗[/] {escape(str(full))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        Console(stderr=True).print("Ended. What was published stays; the next `strata run` finishes the work.")
        sys.exit(130)


def _lines_of(file: Path) -> list[str]:
    """The lines of a file that say something; a # begins a remark.

    Raises:
        StrataError: it cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StrataError(f"{file} cannot be read: {error}") from None
    return [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _show_proof(console: Console, proof: Proof) -> None:
    console.print(proof.table.read_text(encoding="utf-8"), highlight=False, markup=False, soft_wrap=True)
    console.print(f"[green]✓[/] erased; the proof: {escape(str(proof.file))}", highlight=False, soft_wrap=True)
    if proof.document["days_to_rebuild_from"]:
        console.print(
            f"Stored days from {proof.document['days_to_rebuild_from']} on are marked, so that they hold the orders of "
            "nobody again: `strata backfill --marked` rebuilds them.",
            highlight=False,
        )


def _console() -> Console:
    # Bound to the stream as it is now: a run redirects sys.stdout to its log. A file or a pipe has no width of its own.
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def _settings() -> Settings:
    from dagster_project.settings import load_settings

    return load_settings()


def _manifest(settings: Settings) -> Manifest:
    from dagster_project.landing import Manifest

    return Manifest.load(settings.paths)


def _day(text: str, option: str) -> date:
    from dagster_project.warehouse.run_window import day_named

    return day_named(text, setting=option)


def _last_complete_day(settings: Settings) -> date:
    from dagster_project.warehouse.run_window import last_complete_day

    return last_complete_day(datetime.now(UTC), ZoneInfo(settings.sources.business.time_zone))


def _default_day(settings: Settings) -> date:
    if settings.sources.business.sample:
        from dagster_project.sources.sample import SAMPLE_LAST_DAY

        return SAMPLE_LAST_DAY
    return _last_complete_day(settings)


def _refuse_outside(settings: Settings, days: Sequence[date]) -> None:
    from dagster_project.warehouse.run_window import refuse_outside

    history_starts_on = settings.sources.business.history_starts_on
    refuse_outside(days, history_starts_on=history_starts_on, last_complete=_last_complete_day(settings))


def _days_asked_for(first: str | None, last: str | None, every: Every) -> list[date]:
    from dagster_project.warehouse.run_window import DayError, days_between, month_ends_between

    if not first or not last:
        raise DayError("Say --from DAY and --to DAY, or --marked.")
    between = month_ends_between if every is Every.MONTH_END else days_between
    return between(_day(first, "--from"), _day(last, "--to"))


@dataclass(frozen=True)
class _Stored:
    """Stored days, those that later batches marked, and those whose standard is no longer the one that holds."""

    days: list[date]
    marked: MarkedDays
    outdated: list[OutdatedDays]


def _stored(settings: Settings) -> _Stored:
    from dagster_project.warehouse import opened
    from dagster_project.warehouse.control import stored_days
    from dagster_project.warehouse.marks import MarkedDays, read_marked
    from dagster_project.warehouse.standard_register import read_standards, with_standard
    from dagster_project.warehouse.standard_use import built_versions, outdated_days

    if not settings.paths.warehouse.exists():
        return _Stored([], MarkedDays([], [], []), [])
    register = with_standard(read_standards(settings.paths.standards), settings.standard)
    wait = settings.environment.warehouse_wait_seconds
    with opened(settings.paths.warehouse, who="strata", wait_seconds=wait, progress=_console().print) as con:
        days, marked = stored_days(con), read_marked(con, _manifest(settings))
        return _Stored(days, marked, outdated_days(built_versions(con), register))


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
    _execute(console, settings, job, request)


def _turn(console: Console, settings: Settings, who: str) -> contextlib.AbstractContextManager[None]:
    """The turn of a command that changes what a run works on, or publishes: no run is between two of its steps."""
    from dagster_project.warehouse import turn

    return turn(
        settings.paths.warehouse,
        who=who,
        wait_seconds=settings.environment.warehouse_wait_seconds,
        progress=partial(_warn, console),
    )


def _execute(console: Console, settings: Settings, job: dg.JobDefinition, request: RunOfDays) -> None:
    """Run `job` in this process when its turn with the warehouse has come, with progress.

    Raises:
        RunFailed: it did not succeed; the message says what failed.
        WarehouseHeld: another run had its turn for too long.
    """
    from dagster_project.defs import runs
    from dagster_project.defs.alerts import tell_of_refusal, tell_of_run
    from dagster_project.terminal import run_display
    from dagster_project.warehouse import WarehouseHeld

    say = partial(_warn, console)
    with runs.opened_instance(settings.paths) as instance:

        def end_dead_runs() -> None:
            for run_id in runs.end_dead_runs(instance):
                say(f"run {run_id[:8]} was killed; marked as failed")
                tell_of_run(instance, settings, run_id, say=say)

        end_dead_runs()
        with contextlib.ExitStack() as own:
            try:
                own.enter_context(_turn(console, settings, f"strata, job {request.job_name}"))
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


def _warn(console: Console, text: str) -> None:
    console.print(f"[yellow]…[/] {escape(text)}", highlight=False, soft_wrap=True)


def _noted(log_file: Path, say: Callable[[str], None], text: str) -> None:
    """Say `text`, and keep it in the run's log, which outlives cron's mail."""
    with log_file.open("a", encoding="utf-8") as log:
        log.write(f"{text}\n")
    say(text)


def _rebuild_warehouse(console: Console, settings: Settings, plan: Plan) -> None:
    """Build the days of an upgrade in a new warehouse, publish them, and put it in the old one's place.

    Raises:
        RunFailed: a run did not succeed; the days of those before it are done.
    """
    from dagster_project.defs.jobs import upgrade_job, upgrade_request
    from dagster_project.defs.publishing import publish_targets
    from dagster_project.defs.resources import dbt_child
    from dagster_project.warehouse import held, opened, upgrading
    from dagster_project.warehouse.control import stored_days
    from dagster_project.warehouse.retention import thin_snapshots

    new = upgrading.of_the_new_warehouse(settings)
    size = settings.publishing.snapshots.rebuild_days_per_run
    wait = settings.environment.warehouse_wait_seconds
    memory = settings.environment.memory_limit
    while True:
        with opened(new.paths.warehouse, who="strata upgrade", wait_seconds=wait) as con:
            left = upgrading.days_left(con, plan)
        if not left:
            break
        days = left[:size]
        console.print(
            f"[bold]{days[0]}[/] to [bold]{days[-1]}[/], {len(plan.days) - len(left):,} of {len(plan.days):,} days are "
            "built",
            highlight=False,
        )
        job = upgrade_job(new, dbt_child(new))
        _execute(console, new, job, upgrade_request(days, asked_by=getpass.getuser()))
    with (
        console.status("publishing") as status,
        held(new.paths.warehouse, who="strata upgrade", wait_seconds=wait, memory_limit=memory) as warehouse,
    ):
        with warehouse.connection() as con:
            thin_snapshots(con, settings.publishing.snapshots.keep_daily_days)
            stored = stored_days(con)
        if stored:
            publish_targets(warehouse, new, stored, status.update)
        upgrading.switch(settings)
    upgrading.clear(settings.paths)


def _rebuild_marked(console: Console, settings: Settings) -> None:
    """Rebuild marked days, newest first, some a run. Days that are marked again meanwhile are left for the next time.

    Raises:
        RunFailed: a run did not succeed; the days of those before it are done.
    """
    from dagster_project.terminal import counted
    from dagster_project.warehouse.marks import chunks_newest_first

    size = settings.publishing.snapshots.rebuild_days_per_run
    starts_on = settings.sources.business.history_starts_on
    newest_before = _manifest(settings).newest_sequence
    done: set[date] = set()
    while waiting := [day for day in _stored(settings).marked.days if day >= starts_on and day not in done]:
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


def _show_landed(console: Console, settings: Settings, newest_before: int) -> None:
    from dagster_project.terminal import landed_table

    manifest = _manifest(settings)
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

    marked = _stored(settings).marked.days
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


def _newest_stored_day(con: duckdb.DuckDBPyConnection) -> date:
    from dagster_project.warehouse.control import stored_days

    days = stored_days(con)
    if not days:
        raise StrataError("No day is stored yet; `strata run` builds one.")
    return days[-1]


if __name__ == "__main__":
    main()
