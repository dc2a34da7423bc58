"""Where orders and CRM exports come from: settings from files, what would land, and what was refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from dagster_project.cli.common import new_console, read_settings, warn
from dagster_project.errors import StrataError


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

    console = new_console()
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


def check(
    examples: Annotated[int, typer.Option(help="Rows shown of each reason.", min=0, max=50)] = 3,
) -> None:
    """Check settings and sources without writing anything: what would be quarantined, where, and why."""
    from dagster_project.first_look.telling import contract_rows
    from dagster_project.identity import missing_key_note
    from dagster_project.landing import inspect_reads, left_out, strangers
    from dagster_project.terminal import counted, plain_table

    console = new_console()
    settings = read_settings()
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
            warn(console, f"alert target {target.name} has no address: set {target.variable} in the environment")
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


def quarantine_list() -> None:
    """Show what is in quarantine: how many rows, from which file, for which reason."""
    from dagster_project.contract.entities import ENTITIES
    from dagster_project.landing import shown_reason
    from dagster_project.landing.quarantine import list_quarantine
    from dagster_project.terminal import plain_table

    counts: dict[tuple[str, str, str, str, str], int] = {}
    for row in list_quarantine(read_settings().paths).to_pylist():
        for reason in row["reasons"]:
            shown = shown_reason(ENTITIES[row["entity"]], reason)
            key = (row["source"], row["entity"], row["source_file"], row["kind"], shown)
            counts[key] = counts.get(key, 0) + 1
    rows = [[*key, count] for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    new_console().print(plain_table("Quarantine", ["source", "entity", "file", "kind", "reason", "rows"], rows))


def quarantine_replay() -> None:
    """Read quarantined rows again, after a mapping has been mended; they count once."""
    from dagster_project.landing.quarantine import replay_quarantine
    from dagster_project.terminal import counted

    result = replay_quarantine(read_settings(), now=datetime.now(UTC))
    console = new_console()
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
