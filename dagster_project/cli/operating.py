"""An installation: what it has stored, whether it is well, its backups, messages and page."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from dagster_project.cli.common import new_console, read_settings, read_stored, turn_of, warn
from dagster_project.errors import StrataError

# Of the batches that marked days, those that reach furthest back tell the story.
CAUSES_SHOWN = 12


def status() -> None:
    """Show what is stored: days, marked days, days of another standard than the one that holds now, the newest runs."""
    from dagster_project.defs.runs import newest_runs, opened_instance
    from dagster_project.terminal import counted, plain_table

    console = new_console()
    settings = read_settings()
    stored = read_stored(settings)
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


def doctor(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Read every table and compare every checksum; takes the warehouse.")
    ] = False,
) -> None:
    """Look at this installation and say what is wrong with it, with the cure. Changes nothing."""
    from dagster_project.doctor.examining import examine
    from dagster_project.doctor.findings import Finding, Verdict, wrong
    from dagster_project.terminal import counted, findings_table

    console = new_console()
    findings: list[Finding]
    try:
        settings = read_settings()
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


def backup(
    folder: Annotated[Path, typer.Argument(help="Where to put it; it gets a folder of its own there.")],
) -> None:
    """Save settings and all data that cannot be made again, while no run is at work."""
    from dagster_project.keeping.backup import back_up

    console = new_console()
    settings = read_settings()
    with turn_of(console, settings, "strata backup"):
        saved = back_up(settings, folder, now=datetime.now(UTC), say=console.print)
    console.print(
        f"[green]✓[/] {saved.files:,} files, {saved.size / 1e6:,.1f} MB: {escape(str(saved.folder))}",
        highlight=False,
        soft_wrap=True,
    )
    console.print("The keys in the environment, such as STRATA_HASH_KEY, are not in it: keep them elsewhere.")


def restore(folder: Annotated[Path, typer.Argument(help="A folder that `strata backup` made.")]) -> None:
    """Put a backup into an installation without data; `strata run` and `strata backfill` make the rest again."""
    from dagster_project.keeping.backup import has_other_settings
    from dagster_project.keeping.backup import restore as put_back
    from dagster_project.settings.paths import find_paths

    console = new_console()
    paths = find_paths()
    saved = put_back(paths, folder)
    console.print(
        f"[green]✓[/] {saved.files:,} files of {saved.made_at:%Y-%m-%d %H:%M} UTC are in {escape(str(paths.data))}",
        highlight=False,
        soft_wrap=True,
    )
    if has_other_settings(paths, folder):
        warn(console, f"{paths.config} has other settings than the backup; its own are in {folder / 'config'}")
    if (paths.erasures / "log.jsonl").exists():
        console.print(
            "If people were erased since, put the newest data/erasures/log.jsonl here: `strata forget --again`."
        )
    console.print("Next: `strata check`, `strata run`, then `strata backfill` for the days to keep.")


def alerts_test() -> None:
    """Send a test message to every target of publishing.yaml, and show what became of each."""
    from dagster_project.alerting.messages import message_of_test
    from dagster_project.alerting.sending import send
    from dagster_project.settings.alerts import AlertEvent
    from dagster_project.terminal import counted, plain_table

    console = new_console()
    settings = read_settings()
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


def alerts_late() -> None:
    """Look for late data and tell the targets, once a day; for cron, every hour, where no daemon runs."""
    from dagster_project.alerting.late import find_late
    from dagster_project.alerting.messages import message_of_late
    from dagster_project.defs.alerts import tell_of_late

    console = new_console()
    settings = read_settings()
    if not settings.publishing.alerts.watches_lateness:
        raise StrataError("publishing.yaml says nothing of when data is late: alerts.late_after, expected_every_hours.")
    now = datetime.now(UTC)
    late = find_late(settings, now=now)
    if not late:
        console.print("Nothing is late.")
        return
    told = tell_of_late(settings, late, now=now, say=partial(warn, console))
    console.print(message_of_late(late, settings.publishing.language).body, highlight=False, markup=False)
    console.print("Targets were told." if told else "Nobody was told: there is no target, or it was told today.")


def dev(port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000) -> None:
    """Serve Dagster's page on this machine, with its schedules, sensors and backfills."""
    from dagster_project.defs.runs import end_dead_runs, opened_instance, prepare_home
    from dagster_project.settings.children import process_environment

    settings = read_settings()
    prepare_home(settings.paths)
    with opened_instance(settings.paths) as instance:
        end_dead_runs(instance)
    os.chdir(settings.paths.root)
    program = Path(sys.executable).with_name("dagster")
    words = ["dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    os.execve(program, words, process_environment(settings))  # noqa: S606
