"""People whose every personal value is a word found nowhere else, and the search for such words in files of any kind.

A word is looked for as bytes in each encoding and escape that a file could hold it in, and in what packed files,
Parquet files and databases give when they are read through.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import html
import io
import json
import lzma
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

# Every planted value holds one of these. The phones lie in the range kept for fiction, in each form they are kept in.
NAME_WORD = "司马藏"
REASON_WORD = "住院密嘱"
WORDS = (
    NAME_WORD,
    "zhifangyou",
    "wxqiangua",
    REASON_WORD,
    "212-555-01",
    "212 555 01",
    "212) 555-01",
    "212) 555 01",
    "212.555.01",
    "21255501",
)
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "gb18030")


def planted_customer(number: int) -> dict[str, str]:
    """The personal columns of the tiny shop's member export for the member of that number, none part of another's."""
    return {
        "姓名": f"{NAME_WORD}{number:02d}",
        "手机": f"+1 212-555-{100 + number:04d}",
        "邮箱": f"zhifangyou.{number}@example.org",
        "微信号": f"wxqiangua_{number:02d}",
    }


def plant(inbox: Path) -> None:
    """Give every member of the tiny shop a planted name and planted contact points, and every consent such a reason."""
    change(inbox / "members" / "customers.csv", lambda row: {**row, **planted_customer(int(row["会员编号"]))})
    change(inbox / "members" / "consents.csv", lambda row: {**row, "原因": f"{REASON_WORD}{row['会员编号']}"})


def change(path: Path, how: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Write a CSV of the tiny shop again with each row as `how` gives it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [how(row) for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def found_in(content: bytes) -> list[str]:
    """The planted words that bytes hold, in any form. Most of what a copied shop holds was searched before."""
    digest = hashlib.sha256(content).digest()
    if digest not in _searched:
        _searched[digest] = [word for word, forms in _FORMS.items() if any(form in content for form in forms)]
    return _searched[digest]


def found_below(folder: Path, *, but: Mapping[str, str]) -> dict[str, list[str]]:
    """Planted words by file below `folder`, and by table of its databases; nothing below the folders `but` names.

    `but` gives for each folder left out why it may hold them. Schema `personal` of a DuckDB file is left out too.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() or not path.is_file() or any(name.startswith(left_out) for left_out in but):
            continue
        for place, content in _contents(name, path):
            if words := found_in(content):
                found.setdefault(place, []).extend(words)
    return found


def _forms(word: str) -> set[bytes]:
    escaped = (json.dumps(word)[1:-1], json.dumps(json.dumps(word))[3:-3], html.escape(word), quote(word))
    referenced = "".join(f"&#{ord(letter)};" for letter in word)
    return {
        *(word.encode(encoding) for encoding in _ENCODINGS),
        *(form.encode() for form in (*escaped, referenced, word.encode().hex())),
        *(repr(word.encode())[2:-1].encode(), word.encode("unicode_escape")),
    }


_FORMS = {word: _forms(word) for word in WORDS}
_searched: dict[bytes, list[str]] = {}


def _contents(name: str, path: Path) -> Iterator[tuple[str, bytes]]:
    """What a file holds, read through: (where, bytes)."""
    content = path.read_bytes()
    if content[8:12] == b"DUCK":
        yield from _duckdb_tables(name, path, content)
        return
    yield name, content
    if content.startswith(b"SQLite format 3"):
        yield from _sqlite_tables(name, path)
    else:
        yield from _unpacked(name, content)


def _unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(b"PAR1"):
        table = pq.read_table(pa.BufferReader(content))
        yield name, repr(table.to_pylist()).encode() + str(table.schema.metadata).encode()
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.namelist():
                yield f"{name}:{member}", packed.read(member)
                yield from _unpacked(f"{name}:{member}", packed.read(member))
    else:
        for unpack in (gzip.decompress, bz2.decompress, lzma.decompress):
            with suppress(OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
                yield name, unpack(content)


def _sqlite_tables(name: str, path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table, also inflated: Dagster keeps snapshots deflated."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        con.text_factory = bytes
        tables = [table.decode() for (table,) in con.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for value in (value for row in con.execute(f'select * from "{table}"') for value in row):
                if isinstance(value, bytes):
                    yield f"{name}:{table}", value
                    with suppress(zlib.error):
                        yield f"{name}:{table}", zlib.decompress(value)


def _duckdb_tables(name: str, path: Path, content: bytes) -> Iterator[tuple[str, bytes]]:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            if schema != "personal":
                rows = con.execute(f'select * from "{schema}"."{table}"').fetchall()
                yield f"{name}:{schema}.{table}", repr(rows).encode()
        views = con.execute("select sql from duckdb_views()").fetchall()
        yield f"{name}:views", repr(views).encode()
    if not any(schema == "personal" for schema, _ in tables):
        yield name, content  # a file without such a schema holds no page of it either
