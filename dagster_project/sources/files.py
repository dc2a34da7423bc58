"""Files found by a pattern, fingerprinted, unpacked, and opened as a relation of DuckDB.

CSV and TSV come as text columns, Parquet as typed ones, JSON by dotted paths, Excel as text. Nothing here knows the
contract or casts a value.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from dagster_project.errors import StrataError, disk_full
from dagster_project.settings.sources import FORMAT_BY_EXTENSION, FileForm, FileFormat, FileRead
from dagster_project.sources.delimited import Dialect, find_dialect, mend_quoting
from dagster_project.sources.text_encoding import as_utf8
from dagster_project.sql_text import quote_identifier, quote_list, quote_literal

# A member that unpacks to more than this is refused: no export of a shop is that large, an archive bomb is.
MAX_UNPACKED_BYTES = 64 * 2**30
CHUNK_BYTES = 2**20
MAX_LINE_BYTES = 16 * 2**20
COMPRESSED = (".gz", ".zip")
PASSED_OVER = (".", "~$")  # hidden files, and what Excel leaves beside an open one
# What DuckDB raises for a file; its other errors are faults of our own SQL.
FILE_FAULTS = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
# What Python raises for bytes that are no archive, not a whole one, or locked by a password.
UNPACKING_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
LINE_ENDS = {"\r\n": "\\r\\n", "\n": "\\n", "\r": "\\r"}  # as DuckDB's option new_line names them
FILE_ROW_NUMBER = "file_row_number"
JSON_SAMPLE_ROWS = 10_000
BLANKS = " \t\r\n\v\f\u00a0\u3000\ufeff\x00"


class SourceError(StrataError):
    """A file cannot be read as its read says. The message names file, place and setting."""


@dataclass(frozen=True)
class SourceFile:
    """One file, or one member of an archive. `name` is relative to the data folder and is what lineage shows."""

    path: Path
    name: str
    format: FileFormat
    member: str | None = None

    @property
    def is_compressed(self) -> bool:
        return self.path.suffix.lower() in COMPRESSED


@dataclass(frozen=True)
class SourceColumn:
    """A source column: how SQL reaches it and its DuckDB type."""

    name: str
    sql: str
    type: str = "VARCHAR"


@dataclass(frozen=True)
class Records:
    """A file as a relation.

    `relation` is SQL for a table in file order; `columns` are what it has. `original` is SQL for a record's text as
    it came. `fault` is SQL for what is wrong with a record as such (NULL where nothing is). `broken` is SQL for lines
    that are no record: record, text, reason. `row_number` is SQL for a number that the relation itself carries. `mend`
    gives the records of a CSV file whose quotes are broken (`lost_lines`). `row_index` is a column of the relation that
    counts its rows from 0, by which the source finds some of them without giving all. `original_columns` are those that
    `original` reads, where no column of the contract can be called so.
    """

    relation: str
    columns: tuple[SourceColumn, ...]
    original: str
    decimal: str = "auto"
    fault: str | None = None
    broken: str | None = None
    row_number: str | None = None
    mend: Callable[[], Records] | None = None
    row_index: str | None = None
    original_columns: tuple[str, ...] = ()

    @property
    def is_streamable(self) -> bool:
        """Whether the relation may be scanned more than once at little cost."""
        return self.row_index is not None

    def find(self, name: str) -> SourceColumn | None:
        """The column of this name; surrounding blanks in a header do not count."""
        return next((column for column in self.columns if column.name == name.strip(BLANKS)), None)


def find_files(data: Path, read: FileRead, *, place: str) -> list[SourceFile]:
    """Files of this machine that the patterns of a read match, in natural order of their names, archives by member.

    Raises:
        SourceError: the format of a file cannot be told, or an archive cannot be read.
    """
    found: dict[Path, None] = {}
    for pattern in read.local_paths:
        # Path.glob refuses absolute patterns, and a user may point at a folder outside the data folder.
        for match in sorted(glob.glob(str(data / pattern), recursive=True), key=natural_order):  # noqa: PTH207
            path = Path(match)
            if path.is_file() and not path.name.startswith(PASSED_OVER):
                found[path] = None
    return [
        file
        for path in found
        for file in members(path, str(path.relative_to(data) if path.is_relative_to(data) else path), read, place)
    ]


@contextmanager
def content_of(file: SourceFile, *, place: str | None = None) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked as they are read. `place` names the read in errors, where there is one.

    Raises:
        SourceError: it cannot be unpacked, or not to its end.
    """
    try:
        if file.member is not None:
            with zipfile.ZipFile(file.path) as archive, archive.open(file.member) as content:
                yield content
        elif file.is_compressed:
            with gzip.open(file.path) as packed:
                yield cast(IO[bytes], packed)
        else:
            with file.path.open("rb") as plain:
                yield plain
    except UNPACKING_FAULTS as error:
        if full := disk_full(error):
            raise full from error
        raise SourceError(
            f"{file.name} cannot be unpacked: {error}. Fetch it again{f'; see {place}' if place else ''}."
        ) from None


def fingerprint(file: SourceFile) -> str:
    """SHA-256 of the file's bytes and of the member's name."""
    digest = hashlib.sha256()
    with file.path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    if file.member is not None:
        digest.update(b"\0" + file.member.encode())
    return digest.hexdigest()


@contextmanager
def opened(
    con: duckdb.DuckDBPyConnection,
    file: SourceFile,
    form: FileForm,
    *,
    wanted: Sequence[str],
    place: str,
    temporary: Path,
) -> Iterator[Records]:
    """The file's records. `wanted` are the source names that the mapping may read; `place` names the read in errors.

    Temporary files (unpacked, in UTF-8) are removed at the end.

    Raises:
        SourceError: the file is not what its format says, or its encoding or delimiter cannot be told.
    """
    made: list[Path] = []
    try:
        path = _unpacked(file, place, temporary, made)
        if file.format == "parquet":
            yield replace(_parquet(con, path), decimal=form.decimal)
        elif file.format == "excel":
            yield _excel(con, path, file, form, place)
        elif file.format in ("csv", "tsv"):
            text = _utf8(path, file, form, place, temporary, made)
            yield _delimited(text, file, form, wanted, place, temporary, made)
        else:
            text = _utf8(path, file, form, place, temporary, made)
            yield replace(_json(con, text, file, wanted), decimal=form.decimal)
    except FILE_FAULTS as error:
        if full := disk_full(error):
            raise full from error
        raise SourceError(f"{file.name} cannot be read as {file.format}: {_first_line(error)} See {place}.") from error
    finally:
        for each in made:
            each.unlink(missing_ok=True)


def json_records(
    con: duckdb.DuckDBPyConnection, relation: str, line: str, wanted: Sequence[str], *, row_number: str | None = None
) -> Records:
    """Records of a relation whose column `line` holds one JSON object a row, reached by dotted paths.

    A name with dots is first a key of its own, then a path; a number in a path is a place in a list.
    """
    names = list(dict.fromkeys(name.strip(BLANKS) for name in wanted))
    paths = {name: list(dict.fromkeys((_json_path([name]), _json_path(name.split("."))))) for name in names}
    flat = [path for each in paths.values() for path in each]
    is_object = f"json_valid({line}) and json_type({line}) = 'OBJECT'"
    extracted = f"case when {is_object} then json_extract_string({line}, {quote_list(flat)}) end" if flat else "NULL"
    columns = []
    at = 1
    for name in names:
        parts = [f"fields[{at + offset}]" for offset in range(len(paths[name]))]
        at += len(parts)
        columns.append(SourceColumn(name, parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"))
    present = _present(con, relation, line, is_object, paths)
    return Records(
        relation=f"select *, {extracted} as fields from ({relation})",
        columns=tuple(column for column in columns if column.name in present),
        original=line,
        fault=(
            f"case when not json_valid({line}) then 'the line is no valid JSON' "
            f"when json_type({line}) <> 'OBJECT' then 'the record is no JSON object' end"
        ),
        row_number=row_number,
        original_columns=(line,),
    )


def is_pattern(path: str) -> bool:
    """Whether a path may stand for several files."""
    return any(mark in path for mark in "*?[")


def natural_order(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by in which the numbers are numbers: 2 before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]


def members(path: Path, name: str, read: FileRead, place: str) -> list[SourceFile]:
    """The file, called `name`, or the members of the archive that it is.

    Raises:
        SourceError: its format cannot be told, or the archive cannot be read.
    """
    if path.suffix.lower() != ".zip":
        inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        return [SourceFile(path, name, read.format or _format(inner.name, name, place))]
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{name} is no zip archive ({error}). See {place}.") from None
    inside = [each for each in inside if not each.startswith("__MACOSX/") and not Path(each).name.startswith(".")]
    if read.format is None:
        inside = [each for each in inside if Path(each).suffix.lower() in FORMAT_BY_EXTENSION]
    if not inside:
        raise SourceError(f"{name} holds no file that can be read; set format at {place}.")
    return [
        SourceFile(path, f"{name}!{member}", read.format or _format(member, name, place), member)
        for member in sorted(inside, key=natural_order)
    ]


def _format(file_name: str, name: str, place: str) -> FileFormat:
    found = FORMAT_BY_EXTENSION.get(Path(file_name).suffix.lower())
    if found is None:
        formats = ", ".join(dict.fromkeys(FORMAT_BY_EXTENSION.values()))
        raise SourceError(f"{name}: its ending does not tell its format; set format ({formats}) at {place}.")
    return found


def _unpacked(file: SourceFile, place: str, temporary: Path, made: list[Path]) -> Path:
    if not file.is_compressed:
        return file.path
    target = _temporary_file(temporary, made, Path(file.member or file.path.stem).suffix)
    with content_of(file, place=place) as content:
        _copy_within_limit(content, target, file)
    return target


def _copy_within_limit(content: IO[bytes], target: Path, file: SourceFile) -> None:
    written = 0
    with target.open("wb") as out:
        while chunk := content.read(CHUNK_BYTES):
            written += len(chunk)
            if written > MAX_UNPACKED_BYTES:
                raise SourceError(
                    f"{file.name} unpacks to more than {MAX_UNPACKED_BYTES // 2**30} GiB and was refused. "
                    "Unpack it yourself if it is what it should be."
                )
            out.write(chunk)


def _utf8(path: Path, file: SourceFile, form: FileForm, place: str, temporary: Path, made: list[Path]) -> Path:
    target = temporary / f"{len(made)}-{file.path.stem[:40]}-utf8"
    converted = as_utf8(path, target, encoding=form.encoding, name=file.name, place=place)
    if converted != path:
        made.append(converted)
    return converted


def _temporary_file(temporary: Path, made: list[Path], suffix: str) -> Path:
    target = temporary / f"{len(made)}-unpacked{suffix}"
    made.append(target)
    return target


def _parquet(con: duckdb.DuckDBPyConnection, path: Path) -> Records:
    file = quote_literal(glob_free(path))
    described = con.execute(f"describe select * from read_parquet({file})").fetchall()
    columns = [SourceColumn(name.strip(BLANKS), quote_identifier(name), kind) for name, kind, *_ in described]
    if any(name == FILE_ROW_NUMBER for name, *_ in described):
        return Records(f"select * from read_parquet({file})", tuple(columns), _struct_text(columns))
    return Records(
        f"select * from read_parquet({file}, file_row_number = true)",
        tuple(columns),
        _struct_text(columns),
        row_number=f"{FILE_ROW_NUMBER} + 1",
        row_index=FILE_ROW_NUMBER,
    )


def _excel(con: duckdb.DuckDBPyConnection, path: Path, file: SourceFile, form: FileForm, place: str) -> Records:
    from dagster_project.sources.spreadsheets import read_sheet  # CSV and Parquet need no library of spreadsheets

    decimal = "," if form.decimal == "," else "."
    table = read_sheet(path, sheet=form.sheet, header_row=form.header_row, decimal=decimal, name=file.name, place=place)
    con.register("sheet", table.rows)
    columns = [
        SourceColumn(name, quote_identifier(physical))
        for name, physical in zip(table.headers, table.rows.column_names[1:], strict=True)
    ]
    _refuse_doubled(columns, file)
    return Records(
        "select * from sheet",
        tuple(columns),
        _struct_text(columns),
        decimal,
        row_number="row_number",
        original_columns=tuple(column.sql for column in columns),
    )


def _delimited(
    path: Path,
    file: SourceFile,
    form: FileForm,
    wanted: Sequence[str],
    place: str,
    temporary: Path,
    made: list[Path],
) -> Records:
    delimiter = "\t" if file.format == "tsv" and form.delimiter == "auto" else form.delimiter
    dialect = find_dialect(
        path, delimiter=delimiter, header_row=form.header_row, wanted=wanted, name=file.name, place=place
    )
    columns = [SourceColumn(name, f"c{index}") for index, name in enumerate(dialect.headers)]
    _refuse_doubled([column for column in columns if column.name in wanted], file)
    plain = Records(
        _read_csv(path, dialect),
        tuple(columns),
        _struct_text(columns),
        form.decimal,
        original_columns=tuple(column.sql for column in columns),
        broken=(
            f"select cast(line as bigint) - {dialect.lines_before} as record, any_value(csv_line) as text, "
            "any_value(case error_type when 'MISSING COLUMNS' then 'the line has fewer fields than the header' "
            "else 'the line has more fields than the header' end) as reason from csv_rejects group by line"
        ),
    )

    def mend() -> Records:
        mended, faults = _temporary_file(temporary, made, ".csv"), _temporary_file(temporary, made, ".jsonl")
        mend_quoting(path, dialect, mended=mended, faults=faults)
        return _mended(plain, mended, faults)

    return replace(plain, mend=mend) if dialect.is_even else mend()


def _mended(plain: Records, mended: Path, faults: Path) -> Records:
    names = ("record_number", *(column.sql for column in plain.columns))
    text_columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    return replace(
        plain,
        relation=(
            f"select * from read_csv({quote_literal(glob_free(mended))}, auto_detect=false, header=false, delim=',', "
            f"quote='\"', escape='\"', new_line='\\n', columns={{{text_columns}}}, max_line_size={MAX_LINE_BYTES})"
        ),
        broken=(
            f"select record, text, reason from read_json({quote_literal(glob_free(faults))}, "
            "format='newline_delimited', columns={record: 'BIGINT', text: 'VARCHAR', reason: 'VARCHAR'}, "
            f"maximum_object_size={2 * MAX_LINE_BYTES})"
        ),
        row_number="cast(record_number as bigint)",
    )


def _read_csv(path: Path, dialect: Dialect) -> str:
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(dialect.headers)))
    return (
        f"select * from read_csv({quote_literal(glob_free(path))}, auto_detect=false, header=true, "
        f"skip={dialect.lines_before - 1}, delim={quote_literal(dialect.delimiter)}, quote='\"', escape='\"', "
        f"new_line={quote_literal(LINE_ENDS[dialect.line_end])}, columns={{{columns}}}, "
        f"max_line_size={MAX_LINE_BYTES}, store_rejects=true, rejects_table='csv_rejects', "
        "rejects_scan='csv_scans', rejects_limit=0)"
    )


def lost_lines(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the last scan of a CSV met broken quotes, after which DuckDB drops lines without a word.

    An unclosed quote costs all that follows in the thread's part of the file (2.0.0: 229,323 of 400,000 rows), and one
    line is reported. Such a file must be mended and read again.
    """
    faults = con.execute("select distinct error_type from csv_rejects").fetchall()
    return not {fault for (fault,) in faults} <= {"MISSING COLUMNS", "TOO MANY COLUMNS"}


def drop_rejects(con: duckdb.DuckDBPyConnection) -> None:
    """Forget the broken lines of the last scan; DuckDB adds to these tables."""
    con.execute("drop table if exists csv_rejects")
    con.execute("drop table if exists csv_scans")


def _json(con: duckdb.DuckDBPyConnection, path: Path, file: SourceFile, wanted: Sequence[str]) -> Records:
    literal = quote_literal(glob_free(path))
    if file.format == "json":
        with path.open(encoding="utf-8-sig") as text:
            first = next((mark for chunk in iter(lambda: text.read(4096), "") for mark in chunk.strip()[:1]), "")
        form = "array" if first == "[" else "unstructured"
        relation = (
            f"select cast(json as varchar) as line from read_json_objects({literal}, format='{form}', "
            f"maximum_object_size={MAX_LINE_BYTES})"
        )
        return json_records(con, relation, "line", wanted)
    # Strictly, DuckDB refuses a whole file for one line that ends otherwise than the others.
    relation = (
        f"select line from read_csv({literal}, auto_detect=false, header=false, delim='\\x01', quote='', escape='', "
        f"strict_mode=false, columns={{line: 'VARCHAR'}}, max_line_size={MAX_LINE_BYTES}) where trim(line) <> ''"
    )
    return json_records(con, relation, "line", wanted)


def _json_path(parts: Sequence[str]) -> str:
    steps = [
        f"[{part}]" if index and part.isdecimal() else f".{json.dumps(part, ensure_ascii=False)}"
        for index, part in enumerate(parts)
    ]
    return "$" + "".join(steps)


def _present(
    con: duckdb.DuckDBPyConnection, relation: str, line: str, is_object: str, paths: dict[str, list[str]]
) -> set[str]:
    """Names that at least one record holds; the first records nearly always settle it."""
    missing = list(paths)
    for source in (f"select * from ({relation}) limit {JSON_SAMPLE_ROWS}", relation):
        if not missing:
            break
        checks = [
            "bool_or(" + " or ".join(f"json_exists({line}, {quote_literal(path)})" for path in paths[name]) + ")"
            for name in missing
        ]
        found: tuple[Any, ...] = con.execute(
            f"select {', '.join(checks)} from ({source}) where {is_object}"
        ).fetchall()[0]
        missing = [name for name, is_there in zip(missing, found, strict=True) if not is_there]
    return set(paths) - set(missing)


def _struct_text(columns: Sequence[SourceColumn]) -> str:
    names: dict[str, str] = {}
    for column in columns:
        name = column.name
        while name in names:
            name += " "
        names[name] = f"cast({column.sql} as varchar)"
    return (
        "cast(to_json({" + ", ".join(f"{quote_literal(name)}: {sql}" for name, sql in names.items()) + "}) as varchar)"
    )


def _refuse_doubled(columns: Sequence[SourceColumn], file: SourceFile) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name in seen and column.name:
            raise SourceError(f"{file.name} has two columns named {column.name!r}; rename one in the file.")
        seen.add(column.name)


def glob_free(path: Path) -> str:
    """The path with the marks that DuckDB takes for a pattern escaped."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") + "."
