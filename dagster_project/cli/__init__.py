"""`strata`: the command line over the same jobs that Dagster schedules. Each command is a few lines; rooms do the work.

What a user can mend is printed without a traceback and ends with exit code 1. Dagster is imported when a command needs
it: it takes two seconds, and `strata --help` none.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dagster_project import __version__
from dagster_project.cli import analysis, lists, operating, privacy, running, sources, upgrading
from dagster_project.errors import StrataError, disk_full

# Below these headings `strata --help` shows them.
COMMANDS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Begin": (sources.init, sources.check),
    "Days": (running.run, running.backfill, operating.status),
    "Customers and lists": (analysis.explain, analysis.impact, analysis.report, lists.push),
    "Privacy": (privacy.where, privacy.forget, privacy.opt_out, privacy.purge),
    "Operation": (operating.doctor, operating.backup, operating.restore, upgrading.upgrade, operating.dev),
}
# Commands of two words: heading, what the first word is about, and the function of each second word.
GROUPS: Mapping[str, tuple[str, str, Mapping[str, Callable[..., None]]]] = {
    "quarantine": (
        "Begin",
        "Rows that broke the contract.",
        {"list": sources.quarantine_list, "replay": sources.quarantine_replay},
    ),
    "standards": (
        "Customers and lists",
        "The classification standard and its versions.",
        {"list": analysis.standards_list, "check": analysis.standards_check, "schema": analysis.standards_schema},
    ),
    "clusters": ("Customers and lists", "The optional cluster dimension.", {"fit": analysis.clusters_fit}),
    "alerts": (
        "Operation",
        "Messages about failed runs, failed checks and late data.",
        {"test": operating.alerts_test, "late": operating.alerts_late},
    ),
}
OBJECTS_BETWEEN_LOOKS = 200_000

app = typer.Typer(
    name="strata",
    help="Customer Strata: land orders and CRM exports, classify customers for any day, publish segments and lists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for heading, functions in COMMANDS.items():
    for function in functions:
        app.command(rich_help_panel=heading)(function)
for name, (heading, about, words) in GROUPS.items():
    group = typer.Typer(help=about, no_args_is_help=True)
    for word, function in words.items():
        group.command(word)(function)
    app.add_typer(group, name=name, rich_help_panel=heading)


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
