"""Erasing people from what left the warehouse: published Parquet, PostgreSQL, assignments and issued lists.

What the warehouse still holds is published anew by the targets themselves; here goes what they would leave: versions of
before, days that are no longer stored, and files that were issued.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, sha256_of, unfinished, written_beside
from dagster_project.landing.parquet_files import file_sql
from dagster_project.privacy.claims import claim, key_statements
from dagster_project.privacy.holdings import in_serving_copy
from dagster_project.privacy.plan import Plan
from dagster_project.privacy.postgres import claimed, connected, tables_of
from dagster_project.publishing.parquet import MANIFEST, VERSIONS, json_bytes, switch_current, write_rows
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier

Say = Callable[[str], None]


def erase_from_assignments(settings: Settings, plan: Plan) -> None:
    """Take the people out of every campaign's entries, and remove the files of lists that named them.

    Such a list can be drawn up again: who else was on it stands in the entries.
    """
    paths = settings.paths
    for day, channel in plan.lists:
        for listed in (paths.lists / day).glob(f"{channel}.*"):
            listed.unlink()
    with _keyed(plan) as con:
        for path in sorted(paths.assignments.glob("*/*.parquet")):
            if not _holds(con, path):
                continue
            table = pq.read_table(path, partitioning=None)
            condition = claim(table.schema.names)
            kept = con.sql(f"select * from {file_sql(path)} where not coalesce({condition}, false)").to_arrow_table()
            with written_beside(path, mode=PRIVATE_FILE) as beside:
                pq.write_table(kept.cast(table.schema), beside, compression="zstd")


def erase_from_serving_copy(settings: Settings, plan: Plan) -> None:
    """Remove a serving copy that still holds the people: of a warehouse that is gone, or no longer switched on."""
    copy = settings.paths.published / "serving" / "strata.duckdb"
    if copy.is_file():
        with _keyed(plan) as con:
            is_held = any(in_serving_copy(con, copy))
        if is_held:
            copy.unlink()


def erase_from_parquet(settings: Settings, plan: Plan) -> None:
    """Remove versions that no link names, and take the people out of those that still hold them."""
    folder = settings.paths.published / "parquet"
    versions = folder / VERSIONS
    if not versions.is_dir():
        return
    links = {link.readlink().name: link for link in folder.iterdir() if link.is_symlink()}
    for version in sorted(versions.iterdir()):
        if version.name not in links:
            shutil.rmtree(version)
    with _keyed(plan) as con:
        for name, link in sorted(links.items()):
            if any(_holds(con, file) for file in (versions / name).glob("*.parquet")):
                _rewrite_version(con, versions / name, link)
                shutil.rmtree(versions / name)
    switch_current(folder)


def erase_from_postgres(settings: Settings, plan: Plan, say: Say) -> None:
    """Take the people out of every table of the target's schemas, then have it write all of them anew."""
    with connected(settings) as target:
        if target is None:
            return
        with target.cursor() as cursor:
            for statement in key_statements(plan.keys):
                cursor.execute(statement)
            for schema_name, table, condition in claimed(cursor, settings):
                cursor.execute(f"delete from {_qualified(schema_name, table)} where {condition}")
        target.commit()
        with target.cursor() as cursor:
            tables = tables_of(cursor, settings)
        target.rollback()
        target.adbc_connection.set_autocommit(True)
        with target.cursor() as cursor:
            for schema_name, table, _ in tables:
                say(f"writing {schema_name}.{table} anew in PostgreSQL")
                cursor.execute(f"vacuum full {_qualified(schema_name, table)}")


def _qualified(schema: str, table: str) -> str:
    return f"{quote_identifier(schema)}.{quote_identifier(table)}"


@contextmanager
def _keyed(plan: Plan) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to nothing that knows the people's keys."""
    with duckdb.connect() as con:
        for statement in key_statements(plan.keys):
            con.execute(statement)
        yield con


def _holds(con: duckdb.DuckDBPyConnection, file: Path) -> bool:
    condition = claim(pq.read_schema(file).names)
    return condition is not None and bool(
        con.execute(f"select 1 from {file_sql(file)} where {condition} limit 1").fetchall()
    )


def _rewrite_version(con: duckdb.DuckDBPyConnection, version: Path, link: Path) -> None:
    """A version without the people's rows beside the old one, and the link switched to it."""
    manifest: dict[str, Any] = json.loads((version / MANIFEST).read_text(encoding="utf-8"))
    name = version.name.rpartition("-")[0]
    building = unfinished(version.parent, name)
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    for entry in manifest["tables"].values():
        source, copy = version / entry["file"], building / entry["file"]
        if not _holds(con, source):
            shutil.copyfile(source, copy)
            continue
        condition = claim(pq.read_schema(source).names)
        rows = write_rows(con, f"select * from {file_sql(source)} where not coalesce({condition}, false)", copy)
        entry |= {"rows": rows, "bytes": copy.stat().st_size, "sha256": sha256_of(copy)}
    content = json_bytes(manifest)
    (building / MANIFEST).write_bytes(content)
    final = version.with_name(f"{name}-{hashlib.sha256(content).hexdigest()[:12]}")
    building.rename(final)
    beside = unfinished(link.parent, link.name)
    beside.unlink(missing_ok=True)
    beside.symlink_to(f"{VERSIONS}/{final.name}", target_is_directory=True)
    beside.replace(link)
