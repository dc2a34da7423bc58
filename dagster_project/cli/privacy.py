"""What is held about a person, and how it goes."""

from __future__ import annotations

import contextlib
import getpass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dagster_project.cli.common import new_console, read_settings, turn_of
from dagster_project.errors import StrataError

if TYPE_CHECKING:
    from dagster_project.privacy.forgetting import Proof


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

    console = new_console()
    settings = read_settings()
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

    console = new_console()
    settings = read_settings()
    who = getpass.getuser()
    clock = partial(datetime.now, UTC)
    now = clock()
    if resume:
        with turn_of(console, settings, "strata forget"), console.status("finishing") as status:
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
    with turn_of(console, settings, "strata forget"), console.status("erasing") as status:
        publisher = TargetsAndLists(settings, who=who, now=now, say=status.update)
        proof = forgetting.forget(settings, list(found.values()), publisher, clock=clock, who=who, say=status.update)
    _show_proof(console, proof)


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

    console = new_console()
    settings = read_settings()
    now = datetime.now(UTC)
    person = find_and_record(settings, customer, is_granted=withdraw, at=now, who=getpass.getuser())
    console.print(f"[bold]{escape(person.title)}[/]", highlight=False)
    if withdraw:
        console.print("Recorded. Days from today on classify the customer again when they are built.")
        return
    console.print("Recorded. No day from today on classifies the customer, and no list names them.")
    if settings.paths.warehouse.exists():
        from dagster_project.defs.publishing import publish_without

        with turn_of(console, settings, "strata opt-out"):
            removed = publish_without(settings, person, now=now, who=getpass.getuser(), say=console.print)
        console.print(f"{counted(removed, 'row')} of stored days removed; what is published was written anew.")


def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
) -> None:
    """Remove lists, refused rows, contact data, logs and runs past the ages of publishing.yaml's `retention`."""
    from dagster_project.privacy.purging import purge as purge_aged
    from dagster_project.terminal import plain_table

    console = new_console()
    settings = read_settings()
    now = datetime.now(UTC)
    turn = contextlib.nullcontext() if dry_run else turn_of(console, settings, "strata purge")
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
