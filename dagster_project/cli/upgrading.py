"""A warehouse of an older version becomes one of this version."""

from __future__ import annotations

import contextlib
import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dagster_project.cli.common import new_console, read_manifest, read_settings, turn_of
from dagster_project.cli.running import execute

if TYPE_CHECKING:
    from dagster_project.settings import Settings
    from dagster_project.warehouse.upgrading import Plan


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
) -> None:
    """Bring the warehouse of an older version to this one, from what has landed. Killed, it goes on when called again.

    Who reads has what was published until every day is built anew.
    """
    from dagster_project.terminal import counted, plain_table
    from dagster_project.warehouse import held, upgrading
    from dagster_project.warehouse.schema_version import version_now

    console = new_console()
    settings = read_settings()
    paths = settings.paths
    read_manifest(settings)  # says now which entry cannot be read
    plan = upgrading.read_plan(paths)
    if plan is None and not paths.warehouse.exists():
        console.print("There is no warehouse yet; `strata run` builds one.")
        return
    turn = contextlib.nullcontext() if dry_run else turn_of(console, settings, "strata upgrade")
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
        execute(console, new, job, upgrade_request(days, asked_by=getpass.getuser()))
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
