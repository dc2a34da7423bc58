"""What readers have: Parquet, the serving copy and PostgreSQL, each whole and with the days of the warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.atomic_files import UNFINISHED_FILES, sha256_of
from dagster_project.doctor.findings import Finding, fine, first_line, warning, wrong
from dagster_project.doctor.reading import unreadable_tables
from dagster_project.errors import some
from dagster_project.publishing.parquet import AS_KNOWN_NOW, CURRENT, DAY_PREFIX, read_manifest
from dagster_project.publishing.postgres import PUBLICATION, columns_there, connected
from dagster_project.publishing.serving import FILE_NAME
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal

PUBLISH_AGAIN = "`strata run` publishes again"


def check_published(settings: Settings, days: Sequence[date] | None, *, is_thorough: bool) -> Iterator[Finding]:
    """Each target that is switched on; `days` are those of the warehouse, None where they are not known."""
    publishing, folder = settings.publishing, settings.paths.published
    if days is not None and not days:
        return  # nothing has been built that could be published
    if publishing.parquet.enabled:
        yield from _parquet(folder / "parquet", days, is_thorough=is_thorough)
    if publishing.serving_copy.enabled:
        yield from _serving_copy(folder / "serving" / FILE_NAME, days, is_thorough=is_thorough)
    if publishing.postgres.enabled and settings.environment.postgres_url is not None:
        yield from _postgres(settings, days)
    places = (folder, settings.paths.lists, settings.paths.assignments)
    left = [path for place in places for path in sorted(place.rglob(UNFINISHED_FILES))]
    if left:
        names = some([str(path.relative_to(settings.paths.data)) for path in left])
        yield warning("unfinished files", f"{names}, left by a killed run", "nothing: the next run removes them")


def _parquet(folder: Path, days: Sequence[date] | None, *, is_thorough: bool) -> Iterator[Finding]:
    name = "published Parquet"
    try:
        current: dict[str, Any] = json.loads((folder / CURRENT).read_text(encoding="utf-8"))
        published = {date.fromisoformat(day) for day in current["days"]}
    except (OSError, ValueError, KeyError):
        yield wrong(name, f"{folder / CURRENT} is missing or damaged", PUBLISH_AGAIN)
        return
    damaged = []
    for link in (AS_KNOWN_NOW, *(f"{DAY_PREFIX}{day}" for day in sorted(published))):
        fault = _fault_of(folder / link, is_thorough=is_thorough)
        if fault:
            damaged.append(f"{link} ({fault})")
    if damaged:
        yield wrong(name, some(damaged), "`strata backfill --from DAY --to DAY` writes a day anew")
    yield from _same_days(name, published, days, is_whole=not damaged)


def _fault_of(part: Path, *, is_thorough: bool) -> str:
    if not part.is_dir():
        return "its link leads nowhere" if part.is_symlink() else "is missing"
    try:
        tables = read_manifest(part)["tables"].values()
    except (OSError, ValueError, KeyError):
        return "its manifest.json is missing or damaged"
    for table in tables:
        file = part / table["file"]
        if not file.is_file() or file.stat().st_size != table["bytes"]:
            return f"{table['file']} is missing or cut"
        if is_thorough and sha256_of(file) != table["sha256"]:
            return f"{table['file']} was changed"
    return ""


def _serving_copy(path: Path, days: Sequence[date] | None, *, is_thorough: bool) -> Iterator[Finding]:
    name = "serving copy"
    if not path.is_file():
        yield wrong(name, f"{path} is missing", PUBLISH_AGAIN)
        return
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            rows = con.execute("select distinct as_of_date from publication where as_of_date is not null").fetchall()
            damaged = unreadable_tables(con) if is_thorough else []
    except duckdb.Error as error:
        yield wrong(name, f"cannot be opened: {first_line(error)}", f"remove {path}; {PUBLISH_AGAIN}")
        return
    if damaged:
        yield wrong(name, f"cannot be read: {some(damaged)}", f"remove {path}; {PUBLISH_AGAIN}")
        return
    yield from _same_days(name, {day for (day,) in rows}, days, is_whole=True)


def _postgres(settings: Settings, days: Sequence[date] | None) -> Iterator[Finding]:
    name, schema = "PostgreSQL", settings.publishing.postgres.schema_name
    url = settings.environment.postgres_url
    assert url is not None  # noqa: S101  asked by the caller
    try:
        with connected(url) as target, target.cursor() as cursor:
            cursor.execute(
                "select has_database_privilege(current_database(), 'create'), "
                f"exists (select 1 from pg_namespace where nspname = {quote_literal(schema)})"
            )
            [[may_create, is_there]] = cursor.fetchall()
            if not is_there:
                if may_create:
                    yield warning(name, f"answers; the schema {schema} is not there yet", PUBLISH_AGAIN)
                else:
                    cure = f"`create schema {schema} authorization USER` by whoever runs the server"
                    yield wrong(name, f"the schema {schema} is not there and may not be made", cure)
                return
            cursor.execute(f"select has_schema_privilege({quote_literal(schema)}, 'create')")
            [[may_write]] = cursor.fetchall()
            if not may_write:
                cure = f"`grant create, usage on schema {schema} to USER` by whoever owns it"
                yield wrong(name, f"the user may not create in the schema {schema}", cure)
                return
            if not columns_there(cursor, schema, PUBLICATION):
                yield warning(name, "answers; nothing is published yet", PUBLISH_AGAIN)
                return
            cursor.execute(
                f"select as_of_date from {quote_identifier(schema)}.{PUBLICATION} where as_of_date is not null"
            )
            published = {day for (day,) in cursor.fetchall()}
    except PublishingError as error:
        yield wrong(
            name, str(error).splitlines()[0][:300], "mend the address in STRATA_POSTGRES_URL, or start the server"
        )
        return
    yield from _same_days(name, published, days, is_whole=True)


def _same_days(name: str, published: set[date], days: Sequence[date] | None, *, is_whole: bool) -> Iterator[Finding]:
    if days is None:
        if is_whole:
            yield fine(name, f"whole, {len(published):,} days; those of the warehouse are not known")
        return
    missing, more = sorted(set(days) - published), sorted(published - set(days))
    if missing:
        cure = f"`strata backfill --from {missing[0]} --to {missing[-1]}`"
        yield wrong(name, f"lacks {some([str(day) for day in missing])}, which the warehouse has", cure)
    if more:
        cure = f"`strata backfill --from {more[0]} --to {more[-1]}`, or remove them there"
        yield warning(name, f"has {some([str(day) for day in more])}, which the warehouse has not", cure)
    if is_whole and not missing and not more:
        yield fine(name, f"whole, with the {len(published):,} days of the warehouse")
