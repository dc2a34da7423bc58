"""What `strata init` prints: what was found, the first rows as the contract would have them, doubts, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from dagster_project.first_look.guesses import GuessedRead
from dagster_project.first_look.looking import FirstLook
from dagster_project.first_look.placing import Placed
from dagster_project.landing import InspectedRead, Manifest
from dagster_project.settings import Paths
from dagster_project.terminal import plain_table

# After so many days without an order, classifying yesterday shows little but customers who have left.
LONG_AGO = timedelta(days=45)
FIRST_ROWS = ("first row", "second", "third")


def tell(
    found: FirstLook, inspected: Sequence[InspectedRead], placed: Placed, paths: Paths, *, today: date
) -> Iterator[RenderableType]:
    """Lines and tables, in order."""
    yield _found_table(found)
    for missed in found.not_read:
        yield f"[yellow]…[/] {escape(missed.name)} is not read: {escape(missed.reason)}"
    yield from _first_rows(found, inspected)
    yield from _refused(inspected)
    if found.doubts:
        yield "[bold]Doubts[/], which also stand in the file"
        for where, doubt in found.doubts:
            yield f"  [yellow]?[/] {escape(f'{where}: ' if where else '')}{escape(doubt)}"
    yield ""
    yield f"[green]✓[/] {escape(str(placed.path))}"
    if placed.kept is not None:
        what = "The sample's settings are" if placed.was_sample else "What stood there is"
        yield f"  {what} kept in {escape(str(placed.kept))}"
    yield from _next(found, placed, paths, today)


def contract_rows(title: str, read: InspectedRead, sources: dict[str, str] | None = None) -> Table:
    """The first accepted rows of a read: a line a contract column, with the column of the file where it is given."""
    names = list(read.first_rows[0]) if read.first_rows else []
    rows = [
        [name, *([sources.get(name, "")] if sources is not None else []), *(row[name] for row in read.first_rows)]
        for name in names
    ]
    headers = ["contract", *(["in the file"] if sources is not None else []), *FIRST_ROWS[: len(read.first_rows)]]
    return plain_table(title, headers, rows)


def _found_table(found: FirstLook) -> Table:
    rows = [
        [source.name, each.looked.name, each.looked.rows, each.entity, _seen(each)]
        for source in found.sources
        for read in source.reads
        for each in (read, *read.joined)
    ]
    return plain_table("What was found", ["source", "file", "rows", "entity", "seen"], rows)


def _seen(read: GuessedRead) -> str:
    return "; ".join(part for part in (read.looked.told, read.told) if part)


def _first_rows(found: FirstLook, inspected: Sequence[InspectedRead]) -> Iterator[Table]:
    shown: set[tuple[str, str]] = set()
    for source in found.sources:
        for read in source.reads:
            there = next(
                (
                    each
                    for each in inspected
                    if each.source == source.name
                    and each.entity == read.entity
                    and each.first_rows
                    and (each.source, each.source_file) not in shown
                ),
                None,
            )
            if there is not None:
                shown.add((there.source, there.source_file))
                origins = {column.name: column.source or "" for column in read.columns}
                yield contract_rows(f"{read.entity} of {source.name}, as the contract would have them", there, origins)


def _refused(inspected: Sequence[InspectedRead]) -> Iterator[str]:
    for read in inspected:
        if read.problem is not None:
            yield f"[red]✗[/] {escape(read.source_file)}: {escape(read.problem)}"
        elif read.counts is not None and read.counts.rejected:
            counts = read.counts
            reason = read.reasons[0][0] if read.reasons else ""
            yield (
                f"[yellow]…[/] {counts.rejected:,} of {counts.read:,} rows of {escape(read.source_file)} would not be "
                f"landed, {counts.excluded:,} of them by rule; the commonest reason: {escape(reason)}"
            )


def _next(found: FirstLook, placed: Placed, paths: Paths, today: date) -> Iterator[str]:
    if found.missing:
        return
    landed = sorted({batch.source for batch in Manifest.load(paths).batches} - {each.name for each in found.sources})
    variables = ""
    if placed.path.name == "sources.yaml" and placed.path.parent != paths.config:
        variables = f"STRATA_CONFIG={placed.path.parent} "
    yield "[bold]Next[/]"
    if placed.path.name != "sources.yaml":
        yield f"  [bold]cp {escape(str(placed.path))} {escape(str(paths.config / 'sources.yaml'))}[/]"
    if landed:
        aside = f"{paths.data}-sample" if placed.was_sample else f"{paths.data}-old"
        yield f"  [bold]mv {escape(str(paths.data))} {escape(aside)}[/]"
        yield f"      it holds what landed from {escape(', '.join(landed))}, which would stay among yours"
        if any(not path.startswith("/") for read in found.reads for path in read.paths):
            yield f"  [bold]mkdir {escape(str(paths.data))} && mv {escape(aside)}/inbox {escape(str(paths.data))}[/]"
    for variable in found.secrets:
        yield f"  [bold]export {variable}=…[/]    the address that you have just given"
    if any(column.is_hashed for read in found.reads for column in read.columns):
        yield "  [bold]export STRATA_HASH_KEY=$(openssl rand -hex 32)[/]    keep it: hashes are made with it"
    yield f"  [bold]{variables}strata check[/]    what would go to quarantine, and why"
    yield f"  [bold]{variables}strata run[/]      segments of the last complete business day"
    last = found.business.last_order_on
    if last is not None and today - last > LONG_AGO:
        yield f"      the last order is of {last}; [bold]{variables}strata run --as-of {last}[/] classifies that day"
