"""All checks in the order of the table. A check that fails itself is a finding, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from dagster_project.doctor.findings import Finding, wrong
from dagster_project.doctor.landed import check_kept, check_landing
from dagster_project.doctor.published import check_published
from dagster_project.doctor.runs import DagsterFacts, check_dagster
from dagster_project.doctor.stored import Stored, check_warehouse
from dagster_project.doctor.surroundings import check_folders, check_room, check_secrets
from dagster_project.errors import StrataError
from dagster_project.settings import Settings

Say = Callable[[str], None]


def examine(
    settings: Settings,
    read_dagster: Callable[[], DagsterFacts | None],
    *,
    now: datetime,
    is_thorough: bool = False,
    say: Say = lambda _: None,
) -> list[Finding]:
    """Every finding, subject by subject; `read_dagster` asks the instance, and `say` hears what is looked at."""
    findings: list[Finding] = []
    paths = settings.paths

    def look(about: str, check: Callable[[], Iterable[Finding]]) -> None:
        say(about)
        try:
            findings.extend(check())
        except Exception as error:
            cure = "mend this first" if isinstance(error, StrataError | OSError) else "report this as a fault of strata"
            findings.append(wrong(about, f"could not be checked: {type(error).__name__}: {error}"[:400], cure))

    stored = Stored([])

    def warehouse() -> list[Finding]:
        nonlocal stored
        stored = check_warehouse(settings, now=now, is_thorough=is_thorough)
        return stored.findings

    look("secrets", lambda: check_secrets(settings))
    look("folders", lambda: check_folders(paths))
    look("room", lambda: check_room(paths, settings.environment.memory_limit))
    if not paths.data.is_dir():
        return findings
    look("landing", lambda: check_landing(settings, now=now, is_thorough=is_thorough))
    look("what is kept", lambda: check_kept(settings))
    look("warehouse", warehouse)
    look("published copies", lambda: check_published(settings, stored.days, is_thorough=is_thorough))
    look("Dagster", lambda: check_dagster(read_dagster(), settings.deployment))
    return findings
