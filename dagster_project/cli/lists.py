"""Issued lists, where sales work them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from dagster_project.cli.common import asked_day, new_console, read_settings
from dagster_project.errors import StrataError


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

    console = new_console()
    settings = read_settings()
    targets = chosen_targets(settings, crm)
    now = datetime.now(UTC)
    tasks = read_tasks(settings, targets, asked_day(as_of), now=now, who="strata push", say=console.print)
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
