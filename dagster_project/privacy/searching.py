"""Finding texts in files of any kind: plain, packed, tables, spreadsheets, databases; what is compressed is unpacked.

What a text means is the caller's to say; here it is bytes, in the encodings in which files hold Chinese and Western
text.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.sources.files import UNPACKING_FAULTS
from dagster_project.sql_text import quote_identifier

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
CHUNK_BYTES = 8 << 20
# Shorter texts turn up in any large file by chance.
SHORTEST_BYTES = 5
_OPENERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


class Needles:
    """Texts to look for; those too short to mean anything are left out."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(text for text in dict.fromkeys(texts) if len(text.encode()) >= SHORTEST_BYTES)
        forms = {form for text in self.texts for form in _forms(text)}
        self.bytes = tuple(sorted(form for form in forms if len(form) >= SHORTEST_BYTES))
        self._overlap = max(map(len, self.bytes), default=1) - 1

    def are_in(self, path: Path) -> bool:
        """Whether a file holds one of them, in its bytes or in what its bytes unpack to."""
        if not self.bytes or not path.is_file():
            return False
        with path.open("rb") as file:
            if self._are_in_stream(file):
                return True
            file.seek(0)
            head = file.read(16)
        if head.startswith(b"PAR1"):
            return self._are_in_parquet(path)
        if head[8:12] == b"DUCK":
            return self._are_in_duckdb(path)
        if head.startswith(b"SQLite format 3"):
            return self._are_in_sqlite(path)
        return self._are_in_packed(path, head)

    def _are_in_stream(self, stream: IO[bytes]) -> bool:
        tail = b""
        while chunk := stream.read(CHUNK_BYTES):
            window = tail + chunk
            if any(needle in window for needle in self.bytes):
                return True
            tail = window[-self._overlap :] if self._overlap else b""
        return False

    def _are_in_packed(self, path: Path, head: bytes) -> bool:
        try:
            if head.startswith(b"PK\x03\x04"):
                with zipfile.ZipFile(path) as archive:
                    return any(self._are_in_member(archive, name) for name in archive.namelist())
            for magic, opener in _OPENERS.items():
                if head.startswith(magic):
                    with path.open("rb") as packed, opener(packed) as stream:
                        return self._are_in_stream(stream)
            if head.startswith(b"\x28\xb5\x2f\xfd"):
                with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
                    return self._are_in_stream(stream)
        except UNPACKING_FAULTS:
            return False  # damaged or locked with a password: nobody can read it
        return False

    def _are_in_member(self, archive: zipfile.ZipFile, name: str) -> bool:
        content = archive.read(name)
        return self._are_in_stream(io.BytesIO(content)) or any(text in name for text in self.texts)

    def _are_in_parquet(self, path: Path) -> bool:
        try:
            with pq.ParquetFile(path) as file:
                return any(self._are_in_values(column) for batch in file.iter_batches() for column in batch.columns)
        except pa.ArrowInvalid:
            return False

    def _are_in_values(self, column: pa.Array) -> bool:
        kind = column.type
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return self._are_in_values(pc.list_flatten(column))
        if pa.types.is_struct(kind):
            return any(self._are_in_values(part) for part in column.flatten())
        if pa.types.is_dictionary(kind):
            return self._are_in_values(column.dictionary)
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return False
        distinct = pc.unique(column)
        return any(pc.any(pc.match_substring(distinct, text)).as_py() for text in self.texts)

    def _are_in_duckdb(self, path: Path) -> bool:
        try:
            with duckdb.connect(str(path), read_only=True) as con:
                tables = con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
                return any(self._are_in_table(con, schema, table) for schema, table in tables)
        except duckdb.Error:
            return False

    def _are_in_table(self, con: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
        name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        batches = con.sql(f"from {name}").to_arrow_reader()
        return any(self._are_in_values(column) for batch in batches for column in batch.columns)

    def _are_in_sqlite(self, path: Path) -> bool:
        # A value may lie on several pages, and then its bytes do not stand together.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as con:
            for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in con.execute(f"select * from {quote_identifier(table)}"):
                    if any(isinstance(value, str) and text in value for value in row for text in self.texts):
                        return True
        return False


def ascii_json(text: str) -> str:
    """A text as JSON writes it in ASCII, without its quotes."""
    return json.dumps(text)[1:-1]


def files_below(folder: Path) -> Iterator[Path]:
    """Every file below a folder once, links not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ENCODINGS:
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue
    # As JSON writes it where it keeps to ASCII, and as a page or a spreadsheet writes its marks.
    yield ascii_json(text).encode()
    yield text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
