"""What landing would make of the files that are there, without writing anything that lasts.

For `strata check` and `strata init`: columns found and missing, rows that would be refused, why and where, and the
first rows as the contract has them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.contract.contact_points import looks_personal_sql
from dagster_project.errors import StrataError
from dagster_project.landing.committing import connected
from dagster_project.landing.expressions import QUOTE_BEGINS, shown_reason
from dagster_project.landing.intake import mappings
from dagster_project.landing.pulled import pull_of
from dagster_project.landing.rows import CheckedRows, Counts, Mapping, check_rows, missing_columns
from dagster_project.settings import Settings
from dagster_project.settings.sources import FileRead, FilesSource
from dagster_project.sources.files import SourceFile, opened
from dagster_project.sources.pulling import pull
from dagster_project.sources.remote_files import source_files
from dagster_project.sql_text import quote_identifier, quote_list, quote_literal

SAMPLE_REASONS = 5
EXAMPLES = 3
FIRST_ROWS = 3
PULLED_SAMPLE = 200  # one page of either CRM


@dataclass(frozen=True)
class RefusedRow:
    """Where a row stands (from 1, the header not counted), which columns of the source are at fault, and why.

    The reason quotes values of columns that are not personal.
    """

    row_number: int
    columns: str
    reason: str


@dataclass(frozen=True)
class InspectedRead:
    """One file of one read. `counts` is None where the file could not be read, and `problem` says why.

    `reasons` are the commonest reasons without values, with their rows; `examples` are rows that each stands for.
    `first_rows` are the first accepted rows by contract column, as text, personal values left out. `notes` are what a
    user should look at though nothing is refused.
    """

    source: str
    entity: str
    source_file: str
    columns_found: tuple[str, ...] = ()
    columns_missing: tuple[str, ...] = ()
    counts: Counts | None = None
    reasons: tuple[tuple[str, int], ...] = ()
    examples: tuple[RefusedRow, ...] = ()
    first_rows: tuple[dict[str, str], ...] = ()
    is_above_limit: bool = False
    problem: str | None = None
    notes: tuple[str, ...] = ()


def inspect_reads(settings: Settings, *, now: datetime, examples: int = EXAMPLES) -> list[InspectedRead]:
    """Read every file of every read as landing would, and of systems that are pulled the first PULLED_SAMPLE records.

    So many `examples` are given of each of the commonest reasons. Temporary files are readable by their owner only.
    """
    with tempfile.TemporaryDirectory(prefix="strata-check-") as folder:
        return [
            inspected
            for mapping in mappings(settings)
            for inspected in _inspect_read(settings, mapping, Path(folder), now, examples)
        ]


def _inspect_read(
    settings: Settings, mapping: Mapping, temporary: Path, now: datetime, examples: int
) -> Iterator[InspectedRead]:
    source, read = mapping.source.name, mapping.read
    is_missing = True
    try:
        for file in _files_of(settings, mapping, temporary, now):
            is_missing = False
            yield _inspect_file(settings, mapping, file, temporary, examples)
    except StrataError as error:
        yield InspectedRead(source, read.entity, read.place, problem=str(error))
        return
    if is_missing:
        here = f"no file matches in {settings.paths.data}"
        yield InspectedRead(
            source, read.entity, read.place, problem=here if isinstance(read, FileRead) else "it holds no record"
        )


def _files_of(settings: Settings, mapping: Mapping, temporary: Path, now: datetime) -> Iterator[SourceFile]:
    """The files of a read, or those of a sample of what is pulled; each is there until the next is asked for."""
    source, read = mapping.source, mapping.read
    if isinstance(source, FilesSource) and isinstance(read, FileRead):
        secrets = settings.environment.secrets
        yield from source_files(
            settings.paths.data, source, read, secrets=secrets, folder=temporary, place=mapping.place
        )
        return
    asked = pull_of(settings, mapping, since=None, now=now, folder=temporary, limit=PULLED_SAMPLE)
    yield from (part.file for part in pull(source, read, asked) if part.row_count)


def _inspect_file(
    settings: Settings, mapping: Mapping, file: SourceFile, temporary: Path, examples: int
) -> InspectedRead:
    source, entity = mapping.source.name, mapping.read.entity
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    try:
        with (
            connected(settings, temporary) as con,
            opened(
                con, file, mapping.read.form, wanted=mapping.wanted, place=mapping.place, temporary=temporary
            ) as records,
        ):
            found = tuple(column.name for column in records.columns)
            missing = tuple(missing_columns(records, mapping))
            if missing:
                return InspectedRead(source, entity, file.name, found, missing, problem=" ".join(missing))
            checked = check_rows(con, records, mapping, file_name=file.name)
            counts = checked.counts(con)
            reasons = tuple(checked.reason_counts(con).items())[:SAMPLE_REASONS]
            refused = tuple(_refused_rows(con, mapping, [reason for reason, _ in reasons], examples))
            notes = tuple(_notes(con, checked))
            first_rows = tuple(_first_rows(con, mapping))
    except StrataError as error:
        return InspectedRead(source, entity, file.name, found, missing, problem=str(error))
    is_above_limit = counts.bad_share() > settings.sources.bad_rows_limit(mapping.read)
    return InspectedRead(
        source, entity, file.name, found, (), counts, reasons, refused, first_rows, is_above_limit, notes=notes
    )


def _refused_rows(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, reasons: Sequence[str], count: int
) -> Iterator[RefusedRow]:
    """Of each reason the first rows."""
    found = con.execute(
        f"""
        select row_number, reason, claim
        from (
            select *, split_part(reason, {quote_literal(QUOTE_BEGINS)}, 1) as claim
            from (
                select row_number, unnest(reasons) as reason from rows where reasons is not null
                union all
                select row_number, reason from broken
            )
        )
        where list_contains({quote_list(reasons)}::varchar[], claim)
        qualify row_number() over (partition by claim order by row_number) <= {count}
        """
    ).fetchall()
    for number, reason, claim in sorted(found, key=lambda row: (reasons.index(row[2]), row[0])):
        columns = _columns_at_fault(mapping, claim)
        is_personal = columns in _personal_names(mapping)
        yield RefusedRow(number, columns, claim if is_personal else shown_reason(mapping.read.contract, reason))


def _personal_names(mapping: Mapping) -> frozenset[str]:
    """Columns of the source that personal ones are read from; a rule about one of them quotes its value."""
    read = mapping.read
    return frozenset(
        name
        for column, spec in read.columns.items()
        if read.mappable[column].is_personal or spec.hash
        for name in spec.source_names
    )


def _columns_at_fault(mapping: Mapping, claim: str) -> str:
    """The source's columns behind a reason, whose first word is the contract's column or the rule's."""
    read = mapping.read
    for name in read.where:
        if claim.startswith(f"excluded by rule: {name} "):
            return name
    name = claim.partition(" ")[0]
    spec = read.columns.get(name)
    if spec is not None and spec.source_names:
        return ", ".join(spec.source_names)
    return name if name in read.mappable else ""


def _first_rows(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> Iterator[dict[str, str]]:
    """The first accepted rows: the columns that the mapping names or implies a value of, in the contract's order."""
    read = mapping.read
    there = {name for name, *_ in con.execute("describe select * from rows").fetchall()}
    names = [
        name
        for name, column in read.mappable.items()
        if name in there and (name in read.columns or column.is_currency or column.default is not None)
    ]
    if read.is_orders_from_lines and "line_amount" not in names:
        names.append("line_amount")
    shown = [
        f"case when {quote_identifier(name)} is not null then '(personal)' end"
        if read.mappable[name].is_personal
        else f"case when {looks_personal_sql(text)} then '(looks personal)' else {text} end"
        for name, text in ((name, f"cast({quote_identifier(name)} as varchar)") for name in names)
    ]
    # Times are shown as people of the business read them, with their offset.
    con.execute(f"set TimeZone = {quote_literal(mapping.business.time_zone)}")
    rows = con.execute(
        f"select {', '.join(shown)} from rows where reasons is null order by row_number limit {FIRST_ROWS}"
    ).fetchall()
    for row in rows:
        yield {name: "" if value is None else value for name, value in zip(names, row, strict=True)}


def _notes(con: duckdb.DuckDBPyConnection, checked: CheckedRows) -> Iterator[str]:
    """Keys that stand on several rows: right for a log of changes, wrong for lines that were mapped as orders."""
    entity = checked.mapping.read.contract
    if entity.name == "order_lines":
        return
    key = ", ".join(entity.own_key)
    doubled = con.execute(
        f"select count(*) from (select 1 from rows where reasons is null group by {key} having count(*) > 1)"
    ).fetchall()[0][0]
    if doubled:
        hint = " If these are lines of an order, read them as order_lines with `orders: from lines`."
        yield (
            f"{doubled} {key} stand on several rows; the newest updated_at counts, else the later row."
            f"{hint if entity.name == 'orders' else ''}"
        )
