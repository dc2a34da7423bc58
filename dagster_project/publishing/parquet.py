"""Published Parquet: a folder a day, whole or not there, that anything can read without asking the warehouse.

    parquet/as_of_date=2018-01-01  → .versions/2018-01-01-3f2a…    the day's tables and manifest.json
    parquet/as_known_now           → .versions/as_known_now-91bc…  tables without a day
    parquet/current.json           which version of each is current; switched last

The same tables and code give the same bytes, so an unchanged day is not touched.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.atomic_files import remove_unfinished, sha256_of, unfinished, write_if_changed
from dagster_project.publishing.tables import (
    Column,
    Table,
    columns_of,
    is_stored_sorted,
    published_tables,
    rows_sql,
    select_sql,
    standard_of,
)
from dagster_project.settings.publishing import PublishedTable, PublishingSettings
from dagster_project.sql_text import quote_literal

FORMAT = 1  # of manifest.json and current.json
AS_KNOWN_NOW = "as_known_now"
CURRENT = "current.json"
MANIFEST = "manifest.json"
VERSIONS = ".versions"
DAY_PREFIX = "as_of_date="
ROW_GROUP_ROWS = 131_072


@dataclass(frozen=True)
class PublishedPart:
    """A published day (`day` None: the tables without one): its version, and whether this run switched it."""

    day: date | None
    version: str
    path: Path
    is_changed: bool
    rows: dict[str, int]


def publish_parquet(
    con: duckdb.DuckDBPyConnection,
    *,
    folder: Path,
    settings: PublishingSettings,
    days: Sequence[date],
    code_version: str,
    thinned: Sequence[date] = (),
    progress: Callable[[PublishedPart], None] | None = None,
) -> list[PublishedPart]:
    """Publish `days` and the tables without a day below `folder`; `thinned` days go, others stay as they are.

    Raises:
        PublishingError: a table is missing or cannot be published.
    """
    versions = folder / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    remove_unfinished(versions)
    remove_unfinished(folder)
    tables = published_tables(con, settings)
    dated = [table for table in tables if table.is_dated]
    undated = [table for table in tables if not table.is_dated]
    columns = {table.name: columns_of(con, table) for table in tables}
    parts = []
    for day in [*sorted(set(days)), None]:
        part = _publish_part(con, folder, dated if day else undated, columns, day, code_version)
        parts.append(part)
        if progress:
            progress(part)
    for day in thinned:
        (folder / f"{DAY_PREFIX}{day.isoformat()}").unlink(missing_ok=True)
    switch_current(folder)
    return parts


def days_naming(con: duckdb.DuckDBPyConnection, folder: Path, customers: Sequence[int]) -> list[date]:
    """Published days in whose segments one of `customers` stands, rising."""
    files = [str(file) for file in sorted(folder.glob(f"{DAY_PREFIX}*/{PublishedTable.CUSTOMER_SEGMENTS}.parquet"))]
    if not customers or not files:
        return []
    rows = con.execute(
        "select distinct as_of_date from read_parquet(?) where list_contains(?, customer_id) order by 1",
        [files, list(customers)],
    ).fetchall()
    return [day for (day,) in rows]


def read_manifest(part: Path) -> dict[str, Any]:
    """The manifest of a published folder: day, standard, code, and each table's file, rows, checksum, key, columns."""
    manifest: dict[str, Any] = json.loads((part / MANIFEST).read_text(encoding="utf-8"))
    return manifest


def _publish_part(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    tables: Sequence[Table],
    columns: dict[str, tuple[Column, ...]],
    day: date | None,
    code_version: str,
) -> PublishedPart:
    name = AS_KNOWN_NOW if day is None else day.isoformat()
    building = unfinished(folder / VERSIONS, name)
    building.mkdir()
    entries = {table.name: _write_table(con, building, table, columns[table.name], day) for table in tables}
    manifest = {
        "format": FORMAT,
        "as_of_date": day and day.isoformat(),
        "standard_version": day and standard_of(con, day),
        "code_version": code_version,
        "tables": entries,
    }
    content = json_bytes(manifest)
    (building / MANIFEST).write_bytes(content)
    version = f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    final = folder / VERSIONS / version
    if _is_intact(final, content):
        shutil.rmtree(building)
    else:
        if final.exists():  # somebody changed a published file; readers of the link miss it for this one moment
            final.rename(unfinished(folder / VERSIONS, f"{name}-damaged"))
        building.rename(final)
        remove_unfinished(folder / VERSIONS)
    link = folder / (AS_KNOWN_NOW if day is None else f"{DAY_PREFIX}{name}")
    is_changed = not link.is_symlink() or link.readlink() != Path(VERSIONS, version)
    if is_changed:
        beside = unfinished(folder, name)
        beside.symlink_to(f"{VERSIONS}/{version}", target_is_directory=True)
        beside.replace(link)
    rows = {table: entry["rows"] for table, entry in entries.items()}
    return PublishedPart(day, version, link, is_changed, rows)


def _write_table(
    con: duckdb.DuckDBPyConnection, folder: Path, table: Table, columns: tuple[Column, ...], day: date | None
) -> dict[str, Any]:
    path = folder / f"{table.name}.parquet"
    select = rows_sql if is_stored_sorted(con, table, day) else select_sql
    rows = write_rows(con, select(table, columns, day), path)
    return {
        "file": path.name,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "key": list(table.key),
        "columns": [{"name": column.name, "type": column.type} for column in columns],
    }


def write_rows(con: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
    """Write the rows of `select`, in its order, as a published file; gives their number.

    The bytes depend on the rows and on the version of DuckDB, not on its threads or on how the rows are stored: COPY
    cuts row groups of exactly so many rows.
    """
    [(rows,)] = con.execute(
        f"copy ({select}) to {quote_literal(str(path))} "
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
    ).fetchall()
    return int(rows)


def _is_intact(version: Path, manifest: bytes) -> bool:
    """Whether the version is there with the very bytes that its manifest names."""
    path = version / MANIFEST
    if not path.is_file() or path.read_bytes() != manifest:
        return False
    entries = json.loads(manifest)["tables"].values()
    files = [(version / entry["file"], entry["sha256"]) for entry in entries]
    return all(file.is_file() and sha256_of(file) == checksum for file, checksum in files)


def switch_current(folder: Path) -> None:
    """Write current.json from the links as they stand, then drop versions that neither it nor the one before names."""
    path = folder / CURRENT
    before = _named_versions(path)
    links = {link.name: link.readlink().name for link in folder.iterdir() if link.is_symlink()}
    days = {name.removeprefix(DAY_PREFIX): version for name, version in links.items() if name.startswith(DAY_PREFIX)}
    current = {
        "format": FORMAT,
        "latest_day": max(days, default=None),
        "days": dict(sorted(days.items())),
        AS_KNOWN_NOW: links.get(AS_KNOWN_NOW),
    }
    if not write_if_changed(path, json_bytes(current)):
        return
    # A reader that began with the version before may still hold it; two switches ago nobody does.
    kept = before | _named_versions(path)
    for version in (folder / VERSIONS).iterdir():
        if version.name not in kept:
            shutil.rmtree(version)


def _named_versions(current: Path) -> set[str]:
    if not current.is_file():
        return set()
    try:
        document = json.loads(current.read_text(encoding="utf-8"))
        return {*document["days"].values(), document[AS_KNOWN_NOW]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()  # damaged: written anew from the links, which are what readers follow


def json_bytes(document: dict[str, Any]) -> bytes:
    """A manifest as it is written."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
