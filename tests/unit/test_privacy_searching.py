"""A text is found in whatever kind of file it stands, however it is packed or written; short ones are left out."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from dagster_project.privacy.searching import CHUNK_BYTES, Needles, files_below

NAME = "赵赟喆&一九"
FILLING = "an ordinary sentence, repeated so that it is compressed; " * 50


def plain(encoding: str) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(f"{FILLING}{NAME}{FILLING}".encode(encoding))


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(pack(f"{FILLING}{NAME}".encode()))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("orders.csv", f"{FILLING}{NAME}")


def zstd(path: Path) -> None:
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as stream:
        stream.write(f"{FILLING}{NAME}".encode())


def spreadsheet(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([FILLING, NAME])
    book.save(path)


# The least and the greatest value of a column stand in its statistics as they are; those between are packed.
NAMES = ("A", f"{FILLING}{NAME}{FILLING}", "龘")


def parquet(path: Path) -> None:
    # Nested, as quarantined reasons are.
    frame = pd.DataFrame({"reasons": [[FILLING], [FILLING, *NAMES]], "number": [1, 2]})
    frame.to_parquet(path, compression="gzip")
    assert NAME.encode() not in path.read_bytes()


def parquet_of_records(path: Path) -> None:
    pd.DataFrame({"record": [{"city": FILLING, "name": name} for name in NAMES]}).to_parquet(path, compression="gzip")
    assert NAME.encode() not in path.read_bytes()


def database(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("create schema personal")
        con.execute("create table personal.contacts (name varchar using compression zstd)")
        rows = "select md5(range::varchar) || if(range = 10000, ?, '') from range(20000)"
        con.execute(f"insert into personal.contacts {rows}", [NAME])
    assert NAME.encode() not in path.read_bytes()


def sqlite(path: Path) -> None:
    # Where a page ends within the name, its bytes do not stand together.
    for after in range(0, 512, len(NAME)):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as con:
            con.executescript("pragma synchronous = off; pragma page_size = 512; create table events (event text)")
            con.execute("insert into events values (?)", [FILLING + NAME + "x" * (2000 + after)])
            con.commit()
        if NAME.encode() not in path.read_bytes():
            return
    raise AssertionError


def ascii_json(path: Path) -> None:
    path.write_text(json.dumps({"name": NAME}), encoding="ascii")


KINDS: dict[str, Callable[[Path], None]] = {
    "UTF-8": plain("utf-8"),
    "UTF-16 as Excel saves it": plain("utf-16"),
    "GB18030": plain("gb18030"),
    "gzip": packed(gzip.compress),
    "bzip2": packed(bz2.compress),
    "xz": packed(lzma.compress),
    "zstd": zstd,
    "zip": zipped,
    "a spreadsheet": spreadsheet,
    "Parquet": parquet,
    "a field of a record in Parquet": parquet_of_records,
    "DuckDB": database,
    "SQLite": sqlite,
    "JSON that keeps to ASCII": ascii_json,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_found_in(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    KINDS[kind](path)
    assert Needles([NAME]).are_in(path)
    assert not Needles(["钱堃二〇"]).are_in(path)


def test_a_name_across_two_reads_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"x" * (CHUNK_BYTES - 4) + NAME.encode())
    assert Needles([NAME]).are_in(path)


def test_texts_that_stand_anywhere_by_chance_are_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("李 bought 12 pieces", encoding="utf-8")
    needles = Needles(["李", "12"])
    assert not needles.texts
    assert not needles.are_in(path)


def zipped_by_lzma(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("orders.csv", f"{FILLING}{NAME}")


@pytest.mark.parametrize(
    "write",
    [packed(gzip.compress), packed(bz2.compress), packed(lzma.compress), zstd, zipped, zipped_by_lzma],
    ids=["gzip", "bzip2", "xz", "zstd", "zip", "zip by LZMA"],
)
@pytest.mark.parametrize("damage", ["cut off", "written over"])
def test_a_damaged_archive_is_no_error(
    tmp_path: Path, write: Callable[[Path], None], damage: Literal["cut off", "written over"]
) -> None:
    path = tmp_path / "damaged"
    write(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:-6] if damage == "cut off" else whole[:middle] + b"\xff" * 8 + whole[middle + 8 :])
    assert not Needles(["钱堃二〇"]).are_in(path)


def test_files_are_listed_once_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert [path.name for path in files_below(tmp_path)] == ["file"]
