"""How runs and results look on a terminal: progress while it works, tables at the end.

Takes plain values and prints them; it starts nothing, reads no settings and knows no Dagster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

STEP_NAMES: Mapping[str, str] = {
    "landing": "land files",
    "landing_checks": "check landing",
    "staging": "stage entities",
    "identity__customer_aliases": "link customers",
    "classification": "classify customers",
    "table_checks": "check tables",
    "publish__parquet": "publish Parquet",
    "publish__serving_copy": "publish serving copy",
    "publish__postgres": "publish to PostgreSQL",
    "publish__lists": "issue lists",
    "publish__crm": "write tasks to CRMs",
    "publish__report": "write report",
    "land_files": "land files",
    "stage": "stage entities",
    "link_customers": "link customers",
    "classify_chosen_days": "classify customers",
    "publish_chosen_days": "publish",
    "stage_landed": "stage and link",
    "build_days_again": "classify customers",
}
MESSAGE_WIDTH = 72


class RunDisplay:
    """Steps of a run as they come: a line for each that is done, and a live line for the one that works."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._models: dict[str, int] = {}
        self._task = progress.add_task("starting", total=None, said="")
        self._began = time.monotonic()

    def show(self, kind: str, step: str | None, text: str) -> None:
        """Show one happening; kinds that mean nothing to a user are passed over."""
        name = STEP_NAMES.get(step or "", step or "")
        if kind == "planned" and step:
            self._models[step] = self._models.get(step, 0) + 1
        elif kind == "started" and step:
            models = self._models.get(step, 0)
            self._began = time.monotonic()
            self._progress.reset(self._task, description=name, total=models if models > 1 else None, said="")
        elif kind == "built":
            self._progress.update(self._task, advance=1, said=_short(text))
        elif kind == "said":
            self._progress.update(self._task, said=_short(text))
        elif kind == "succeeded":
            self._line("[green]✓[/]", name, f"{time.monotonic() - self._began:.1f} s")
        elif kind in {"warned", "waiting"}:
            self._line("[yellow]…[/]", name, escape(text))
        elif kind == "retrying":
            self._line("[yellow]↻[/]", name, f"tried again soon: {escape(text)}")
        elif kind == "failed":
            self._line("[red]✗[/]", name, "failed")

    def _line(self, mark: str, name: str, text: str) -> None:
        self._console.print(f"{mark} {name:<22} {text}", highlight=False)


@contextmanager
def run_display(console: Console) -> Iterator[RunDisplay]:
    """A display for one run; the live line goes when the run ends, the others stay."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[said]}"),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with progress:
        yield RunDisplay(console, progress)


def landed_table(rows: Sequence[tuple[str, int, int, int, int, int]]) -> Table:
    """Rows of (entity, landed by this run, read, accepted, quarantined, of which excluded by rule), as a table."""
    table = _table("Landed", "entity", "landed now", "read", "accepted", "quarantined", "of which by rule")
    for entity, *counts in rows:
        table.add_row(entity, *(f"{count:,}" for count in counts))
    return table


def spread_table(
    title: str, stages: Sequence[str], tiers: Sequence[str], customers: Mapping[tuple[str, str], int]
) -> Table:
    """Customers per lifecycle stage (down) and value tier (across), with totals."""
    table = _table(title, "lifecycle stage", *tiers, "all")
    for stage in stages:
        counts = [customers.get((stage, tier), 0) for tier in tiers]
        table.add_row(stage, *(f"{count:,}" for count in counts), f"{sum(counts):,}")
    totals = [sum(customers.get((stage, tier), 0) for stage in stages) for tier in tiers]
    table.add_section()
    table.add_row("all", *(f"{total:,}" for total in totals), f"{sum(totals):,}", style="bold")
    return table


def lists_table(rows: Sequence[tuple[str, int, int, int, int, int, str]]) -> Table:
    """Rows of (channel, eligible, on the list, of these carried over, control group, not reached, note), as a table.

    Where nobody was carried over, as on a campaign's first day, there is no such column.
    """
    is_carried = any(carried for _, _, _, carried, *_ in rows)
    heads = ("eligible", "on the list", *(["carried over"] if is_carried else []), "control group", "not reached")
    table = _table("Reactivation lists", "channel", *heads, "note")
    for channel, eligible, treated, carried, control, not_reached, note in rows:
        counts = (eligible, treated, *([carried] if is_carried else []), control, not_reached)
        table.add_row(channel, *(f"{count:,}" for count in counts), note)
    return table


def places_table(places: Sequence[tuple[str, Path | str]]) -> Table:
    """What lies where; paths are whole, so that a terminal makes them links."""
    table = Table.grid(padding=(0, 2))
    for what, where in places:
        table.add_row(f"[bold]{what}", escape(str(where)))
    return table


def plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Any rows as a table; numbers stand right."""
    table = _table(title, *columns, right=())
    for index in range(len(columns)):
        if rows and all(row[index] is None or isinstance(row[index], int | float | Decimal) for row in rows):
            table.columns[index].justify = "right"
    for row in rows:
        table.add_row(
            *(
                "" if value is None else escape(f"{value:,}" if isinstance(value, int | Decimal) else str(value))
                for value in row
            )
        )
    return table


def findings_table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    """Rows of (ok, warning or wrong; what was checked; what was found; the cure), as a table."""
    marks = {"ok": "[green]✓ ok[/]", "warning": "[yellow]… warning[/]", "wrong": "[red]✗ wrong[/]"}
    table = _table("Doctor", "", "checked", "found", "what to do", right=())
    table.columns[0].no_wrap = True
    for verdict, about, says, cure in rows:
        table.add_row(marks[verdict], escape(about), escape(says), escape(cure))
    return table


def pairs_table(rows: Sequence[tuple[str, str]], title: str | None = None) -> Table:
    """What something is called, and what it is."""
    table = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    table.add_column(style="bold dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(escape(name), escape(value))
    return table


def grouped_table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """Rows that belong together by their first cell, which is shown once."""
    groups = [row[0] for row in rows]
    shown = ["" if group == before else group for before, group in zip([None, *groups], groups, strict=False)]
    return plain_table(title, columns, [(group, *row[1:]) for group, row in zip(shown, rows, strict=True)])


def counted(count: int, noun: str) -> str:
    """`1 row`, `2 rows`, `1,500 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _table(title: str, first: str, *others: str, right: Sequence[str] | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold dim")
    table.add_column(first, overflow="fold")
    for other in others:
        is_right = other != "note" if right is None else other in right
        table.add_column(other, justify="right" if is_right else "left", overflow="fold")
    return table


def _short(text: str) -> str:
    return escape(text if len(text) <= MESSAGE_WIDTH else text[: MESSAGE_WIDTH - 1] + "…")
