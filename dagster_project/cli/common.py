"""What commands share: what they are asked, the settings, the turn with the warehouse, what is stored."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from dagster_project.landing import Manifest
    from dagster_project.settings import Settings
    from dagster_project.warehouse.marks import MarkedDays
    from dagster_project.warehouse.standard_use import OutdatedDays

PLAIN_WIDTH = 120
DayOption = Annotated[str | None, typer.Option(help="Business day, YYYY-MM-DD.", metavar="DAY")]
StoredDayOption = Annotated[str | None, typer.Option(help="A stored day, YYYY-MM-DD; else the newest.", metavar="DAY")]


class Tongue(StrEnum):
    """Languages of what is printed for people outside the data team."""

    ENGLISH = "en"
    CHINESE = "zh"


LanguageOption = Annotated[Tongue | None, typer.Option(help="Language; else that of publishing.yaml.")]


def new_console() -> Console:
    """Where a command prints: the stream as it is now, since a run redirects sys.stdout to its log.

    A file or a pipe has no width of its own and gets PLAIN_WIDTH characters.
    """
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def read_settings() -> Settings:
    """The settings of this installation, checked.

    Raises:
        StrataError: a file or variable cannot be meant; the message names its line.
    """
    from dagster_project.settings import load_settings

    return load_settings()


def read_manifest(settings: Settings) -> Manifest:
    """What has landed."""
    from dagster_project.landing import Manifest

    return Manifest.load(settings.paths)


def day_of(text: str, option: str) -> date:
    """The business day that `option` names.

    Raises:
        DayError: it is no day.
    """
    from dagster_project.warehouse.run_window import day_named

    return day_named(text, setting=option)


def asked_day(as_of: str | None) -> date | None:
    """The business day of `--as-of`; None where it was left out.

    Raises:
        DayError: it is no day.
    """
    return day_of(as_of, "--as-of") if as_of else None


def last_complete_day_of(settings: Settings) -> date:
    """The last business day that is over."""
    from dagster_project.warehouse.run_window import last_complete_day

    return last_complete_day(datetime.now(UTC), ZoneInfo(settings.sources.business.time_zone))


def turn_of(console: Console, settings: Settings, who: str) -> contextlib.AbstractContextManager[None]:
    """The turn of a command that changes what a run works on, or publishes: no run is between two of its steps."""
    from dagster_project.warehouse import turn

    return turn(
        settings.paths.warehouse,
        who=who,
        wait_seconds=settings.environment.warehouse_wait_seconds,
        progress=partial(warn, console),
    )


def warn(console: Console, text: str) -> None:
    """Print what the user should know and need not act on at once."""
    console.print(f"[yellow]…[/] {escape(text)}", highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Stored:
    """Stored days, those that later batches marked, and those whose standard is no longer the one that holds."""

    days: list[date]
    marked: MarkedDays
    outdated: list[OutdatedDays]


def read_stored(settings: Settings) -> Stored:
    """What the warehouse holds; nothing where there is none yet."""
    from dagster_project.warehouse import opened
    from dagster_project.warehouse.control import stored_days
    from dagster_project.warehouse.marks import MarkedDays, read_marked
    from dagster_project.warehouse.standard_register import read_standards, with_standard
    from dagster_project.warehouse.standard_use import built_versions, outdated_days

    if not settings.paths.warehouse.exists():
        return Stored([], MarkedDays([], [], []), [])
    register = with_standard(read_standards(settings.paths.standards), settings.standard)
    wait = settings.environment.warehouse_wait_seconds
    with opened(settings.paths.warehouse, who="strata", wait_seconds=wait, progress=new_console().print) as con:
        days, marked = stored_days(con), read_marked(con, read_manifest(settings))
        return Stored(days, marked, outdated_days(built_versions(con), register))
