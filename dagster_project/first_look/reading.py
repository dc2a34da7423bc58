"""Files and sheets as tables: where the header stands, how the text is written, and what each column looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from glob import escape
from pathlib import Path

import duckdb
from pydantic import ValidationError

from dagster_project.errors import StrataError
from dagster_project.first_look.names import is_known_name
from dagster_project.first_look.profiles import NUMBER, Profile, profile, text_of
from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import ColumnSpec, FileForm, FileRead, FilesSource
from dagster_project.sources.delimited import find_dialect
from dagster_project.sources.files import (
    BLANKS,
    SourceColumn,
    SourceError,
    SourceFile,
    drop_rejects,
    lost_lines,
    opened,
)
from dagster_project.sources.first_rows import head_text, json_names, sheet_rows, text_rows
from dagster_project.sources.remote_files import source_files
from dagster_project.sql_text import quote_identifier

# So many rows settle what a column is; an export of a shop has fewer, and all of it is looked at.
LOOKED_ROWS = 2_000_000
PLACE = "the files named to strata init"
_DATE_LIKE = re.compile(r"^\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}")
_NUMBER = re.compile(NUMBER.replace(r"\x{2019}", "’").replace(r"\x{00a0}", "\u00a0"))


@dataclass(frozen=True)
class Looked:
    """One table: a file, a sheet of it, or a table of a database, with the profiles of its columns in order.

    `path` is as sources.yaml will name it. `form` is what has to be stated of the file. `told` is what a user may want
    to know of it, in words. `doubled` are headers that stand twice and cannot be read. `relation` is the table of the
    connection in which its rows stand.
    """

    name: str
    path: str
    form: FileForm
    rows: int
    columns: tuple[Profile, ...]
    told: str = ""
    sheet: str | None = None
    doubled: tuple[str, ...] = ()
    table: str | None = None
    is_whole: bool = True
    relation: str = ""

    @property
    def shape(self) -> tuple[object, ...]:
        """What two exports of one kind have in common."""
        return (tuple(column.name for column in self.columns), self.form.header_row, self.sheet, Path(self.name).suffix)

    def column(self, name: str) -> Profile:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)

    def text(self, name: str) -> str:
        """SQL of a column as text, in `relation`."""
        place = next(place for place, column in enumerate(self.columns) if column.name == name)
        return text_of(SourceColumn(name, f"c{place}", self.columns[place].type))


@dataclass(frozen=True)
class NotRead:
    """A file, or sheet, that could not be read, and why."""

    name: str
    reason: str


def look_at_file(
    con: duckdb.DuckDBPyConnection,
    name: str,
    data: Path,
    temporary: Path,
    secrets: Secrets,
    *,
    prefer_day_first: bool | None,
    now: datetime,
) -> Iterator[Looked | NotRead]:
    """The tables of a file, of the files of a pattern, or of what a URL names: the sheets of a workbook, the members of
    an archive, else one a file. `con` holds them after.
    """
    stated = _stated_path(name, data)
    found = False
    try:
        read = FileRead(entity="products", path=(stated,), columns=_ANY)
        source = FilesSource(name="shop", reads=(read,))
        for file in source_files(data, source, read, secrets=secrets, folder=temporary, place=PLACE):
            found = True
            for shape in _shapes(file, temporary):
                if isinstance(shape, NotRead):
                    yield shape
                    continue
                try:
                    yield _looked(con, file, stated, shape, temporary, prefer_day_first=prefer_day_first, now=now)
                except (StrataError, duckdb.Error) as error:
                    yield NotRead(_shown_name(file), str(error).splitlines()[0])
    except ValidationError as error:
        yield NotRead(_without_query(name), error.errors(include_url=False)[0]["msg"])
    except StrataError as error:
        yield NotRead(_without_query(name), str(error))
    else:
        if not found:
            yield NotRead(_without_query(name), "there is no such file.")


def _without_query(name: str) -> str:
    return name.partition("?")[0] if "://" in name else Path(name).name


# What a read must have; only its path is used.
_ANY = {"product_id": ColumnSpec(names=("product_id",))}


@dataclass(frozen=True)
class _Shape:
    """The form that has to be stated, the one by which the file is read now, and what to tell of it."""

    stated: FileForm
    reading: FileForm
    told: str


def look_at_relation(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[SourceColumn],
    *,
    prefer_day_first: bool | None,
    now: datetime,
) -> tuple[int, tuple[Profile, ...], str]:
    """Rows, profiles and the table in which the rows of a relation now stand, as c0, c1 … and `place`."""
    table = f"looked_{con.execute('select count(*) from duckdb_tables() where temporary').fetchall()[0][0]}"
    chosen = [column for column in columns if column.name]
    listed = ", ".join(f"{column.sql} as {quote_identifier(f'c{number}')}" for number, column in enumerate(chosen))
    con.execute(
        f"create or replace temp table {table} as select {listed}, row_number() over () as place "
        f"from (select * from ({relation}) limit {LOOKED_ROWS})"
    )
    rows: int = con.execute(f"select count(*) from {table}").fetchall()[0][0]
    profiles = tuple(
        profile(con, table, replace(column, sql=f"c{number}"), prefer_day_first=prefer_day_first, now=now)
        for number, column in enumerate(chosen)
    )
    return rows, profiles, table


def _stated_path(name: str, data: Path) -> str:
    """The path as settings name it: relative below the data folder, else absolute; marks of patterns are escaped in the
    name of a file that is there.
    """
    if "://" in name:
        return name
    whole = Path(name).expanduser().absolute()
    stated = str(whole.relative_to(data)) if whole.is_relative_to(data) else str(whole)
    return escape(stated) if whole.exists() else stated


def _shapes(file: SourceFile, temporary: Path) -> Iterator[_Shape | NotRead]:
    try:
        if file.format == "excel":
            sheets = sheet_rows(file)
            for sheet, cells in sheets.items():
                row = header_row([[_cell(cell) for cell in row] for row in cells])
                if row is None:
                    yield NotRead(
                        f"{_shown_name(file)}, sheet {sheet}", "no row looks like a header with rows below it."
                    )
                    continue
                told = f"sheet {sheet}" + (f", header in row {row}" if row > 1 else "")
                reading = FileForm(sheet=sheet, header_row=row)
                yield _Shape(replace(reading, sheet=None) if len(sheets) == 1 else reading, reading, told)
        elif file.format in ("csv", "tsv"):
            yield _text_shape(file, temporary)
        else:
            yield _Shape(FileForm(), FileForm(), file.format)
    except StrataError as error:
        yield NotRead(_shown_name(file), str(error))


def _text_shape(file: SourceFile, temporary: Path) -> _Shape | NotRead:
    text, encoding = head_text(file, temporary)
    found: list[tuple[float, int, str]] = []
    by_delimiter = text_rows(text)
    for delimiter, rows in by_delimiter.items():
        row = header_row(rows)
        if row is not None:
            header = rows[row - 1]
            below = [each for each in rows[row:] if any(each)]
            alike = sum(len(each) == len(header) for each in below) / max(1, len(below))
            known = sum(is_known_name(name) for name in header)
            found.append((known + alike + 0.1 * min(len(header), 10), row, delimiter))
    if not found:
        return NotRead(_shown_name(file), "no line looks like a header with lines below it.")
    _, row, delimiter = max(found)
    shown = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}[delimiter]
    told = f"{encoding.upper()}, separated by {shown}" + (f", header in line {row}" if row > 1 else "")
    is_told = (file.format == "tsv" and delimiter == "\t") or _is_told_by_itself(
        text, by_delimiter[delimiter][row - 1], row, delimiter, file, temporary
    )
    reading = FileForm(delimiter=delimiter, header_row=row)
    return _Shape(replace(reading, delimiter="auto") if is_told else reading, reading, told)


def _is_told_by_itself(
    text: str, header: Sequence[str], row: int, delimiter: str, file: SourceFile, temporary: Path
) -> bool:
    """Whether landing would find the delimiter without being told."""
    head = temporary / "head-utf8"
    head.write_text(text, encoding="utf-8")
    try:
        names = [name for name in header if name]
        return (
            find_dialect(head, delimiter="auto", header_row=row, wanted=names, name=file.name, place=PLACE).delimiter
            == delimiter
        )
    except StrataError:
        return False
    finally:
        head.unlink(missing_ok=True)


def header_row(rows: Sequence[Sequence[str]]) -> int | None:
    """The number, from 1, of the row that names the columns; None where no row does.

    It is the first row that is about as wide as the widest ones, has a different text in nearly every cell, and has
    a row below it.
    """
    widths = [sum(bool(cell) for cell in row) for row in rows]
    if not widths or max(widths) == 0:
        return None
    wide = sorted(width for width in widths if width)[-max(1, len(rows) // 2) :][0]
    candidates: list[tuple[int, int]] = []
    for index, row in enumerate(rows):
        cells = [cell for cell in row if cell]
        if len(cells) < max(1, 0.6 * wide) or not any(widths[index + 1 :]):
            continue
        named = [cell for cell in cells if not _NUMBER.match(cell) and not _DATE_LIKE.match(cell)]
        if len(named) < 0.9 * len(cells) or len(set(cells)) < 0.8 * len(cells):
            continue
        known = sum(is_known_name(cell) for cell in cells)
        candidates.append((known, index))
        if len(candidates) > 5:
            break
    if not candidates:
        return None
    most = max(known for known, _ in candidates)
    return next(index for known, index in candidates if known >= 0.6 * most) + 1


def _cell(cell: object) -> str:
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return "" if cell is None else str(cell).strip(BLANKS)


def _looked(
    con: duckdb.DuckDBPyConnection,
    file: SourceFile,
    path: str,
    shape: _Shape,
    temporary: Path,
    *,
    prefer_day_first: bool | None,
    now: datetime,
) -> Looked:
    reading = shape.reading
    wanted = _wanted_of_json(con, file, reading, temporary) if file.format in ("json", "jsonl") else []
    with opened(con, file, reading, wanted=wanted, place=PLACE, temporary=temporary) as records:
        names = [column.name for column in records.columns]
        doubled = tuple(dict.fromkeys(name for name in names if name and names.count(name) > 1))
        columns = [column for column in records.columns if column.name and column.name not in doubled]
        if not columns:
            raise SourceError(f"{file.name} has no column with a name of its own.")
        drop_rejects(con)
        try:
            rows, profiles, relation = look_at_relation(
                con, records.relation, columns, prefer_day_first=prefer_day_first, now=now
            )
            is_broken = records.mend is not None and lost_lines(con)
        except duckdb.Error:
            if records.mend is None:
                raise
            is_broken = True
        if is_broken and records.mend is not None:
            rows, profiles, relation = look_at_relation(
                con, records.mend().relation, columns, prefer_day_first=prefer_day_first, now=now
            )
    return Looked(
        name=_shown_name(file),
        path=path,
        form=shape.stated,
        rows=rows,
        columns=profiles,
        told=shape.told,
        sheet=reading.sheet if isinstance(reading.sheet, str) else None,
        doubled=doubled,
        is_whole=rows < LOOKED_ROWS,
        relation=relation,
    )


def _shown_name(file: SourceFile) -> str:
    return file.path.name if file.member is None else f"{file.path.name}!{file.member}"


def _wanted_of_json(con: duckdb.DuckDBPyConnection, file: SourceFile, form: FileForm, temporary: Path) -> list[str]:
    with opened(con, file, form, wanted=(), place=PLACE, temporary=temporary) as records:
        lines = con.execute(f"select {records.original} from ({records.relation}) limit 500").fetchall()
    return json_names([line for (line,) in lines if line])
