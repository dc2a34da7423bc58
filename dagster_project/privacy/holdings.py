"""All that is held about a person, place by place: what `strata where` shows and writes down.

Landed data, the warehouse and issued lists are the holdings; published tables, the serving copy and PostgreSQL are
copies, of which only the rows are counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, sha256_of, written_beside
from dagster_project.contract.entities import ENTITIES
from dagster_project.landing import Manifest, landing_relations
from dagster_project.landing.parquet_files import file_sql
from dagster_project.privacy.claims import Keys, claim
from dagster_project.privacy.objections import PROFILING_CHOICES, choices_of
from dagster_project.privacy.people import Person, find_person
from dagster_project.privacy.postgres import held_in_postgres
from dagster_project.privacy.refused_rows import rows_of_person
from dagster_project.privacy.searching import Needles, files_below
from dagster_project.publishing.assignments import TREATED
from dagster_project.publishing.audit import append_record
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse import opened

Say = Callable[[str], None]
PERSONAL_EXPORTS = "personal_exports.jsonl"
# So many tables of one place are named on a terminal; the export names all.
NAMED = 3


@dataclass(frozen=True)
class Holding:
    """Rows of one place that are a person's. `records` is None where the place is a copy of another."""

    place: str
    what: str
    rows: int
    records: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True)
class Held:
    """All that is held about a person, and the files that hold them and that the pipeline does not change."""

    person: Person
    holdings: tuple[Holding, ...]
    inbox_files: tuple[str, ...] = ()
    other_files: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.holdings)

    def summary(self) -> list[tuple[str, str, int]]:
        """(place, what, rows) of each place; many tables of one place are counted."""
        places: dict[str, list[Holding]] = {}
        for each in self.holdings:
            places.setdefault(each.place, []).append(each)
        return [
            (
                place,
                ", ".join(each.what for each in there) if len(there) <= NAMED else f"{len(there)} tables",
                sum(each.rows for each in there),
            )
            for place, there in places.items()
        ]


def find_held(settings: Settings, asked: str, say: Say, *, with_files: bool = True) -> Held:
    """All that is held about the customer that `asked` names. Waits for a run that has the warehouse.

    The files that the pipeline does not change are looked for `with_files` only: every file is read through for them.

    Raises:
        ReadingError: nobody is meant, or several are.
        WarehouseHeld: the warehouse was not free in time.
    """
    if not settings.paths.warehouse.exists():
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'UTC'")
            return _held(con, settings, asked, say, with_files=with_files)
    wait = settings.environment.warehouse_wait_seconds
    with opened(settings.paths.warehouse, who="strata where", wait_seconds=wait, progress=say) as con:
        return _held(con, settings, asked, say, with_files=with_files)


def _held(con: duckdb.DuckDBPyConnection, settings: Settings, asked: str, say: Say, *, with_files: bool) -> Held:
    person = find_person(con, settings, asked)
    manifest = Manifest.load(settings.paths)
    needles = Needles([*person.spellings, *(text for texts in person.points.values() for text in texts)])
    holdings: list[Holding] = []
    for name, part in (
        ("landed batches", in_landing(con, manifest)),
        ("the registry", _in_registry(con)),
        ("objections", in_choices(settings, person.keys)),
        ("the quarantine", rows_in_quarantine(settings, person)),
        ("the warehouse", in_warehouse(con)),
        ("lists", in_assignments(con, settings, needles)),
        ("published tables", in_published(con, settings)),
        ("PostgreSQL", _in_postgres(settings, person)),
    ):
        say(f"looking into {name}")
        holdings += part
    if not with_files:
        return Held(person, tuple(holdings))
    say("looking into files")
    return Held(
        person,
        tuple(holdings),
        tuple(_inbox_files(con, settings, manifest, needles)),
        tuple(_other_files(settings, needles)),
    )


def export(held: Held, path: Path, settings: Settings, *, now: str, who: str) -> None:
    """Write all that is held as JSON, readable by its owner only, and put the export on record first."""
    document = {
        "made_at": now,
        "customer_id": held.person.customer_id,
        "references": [{"source": source, "customer_ref": ref} for source, ref in held.person.keys.references],
        "holdings": [
            {"place": each.place, "what": each.what, "rows": each.rows}
            | ({} if each.records is None else {"records": list(each.records)})
            for each in held.holdings
        ],
        "files_not_changed_by_us": [*held.inbox_files, *held.other_files],
    }
    with written_beside(path, mode=PRIVATE_FILE) as beside:
        text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
        beside.write_text(text + "\n", encoding="utf-8")
        append_record(
            settings.paths.audit / PERSONAL_EXPORTS,
            {
                "at": now,
                "who": who,
                "why": "strata where --export",
                "rows": held.rows,
                "file": path.name,
                "fingerprint": sha256_of(beside),
            },
        )


def rows_in_quarantine(settings: Settings, person: Person) -> Iterator[Holding]:
    """Refused rows that name the person, by file."""
    folder = settings.paths.landing / "quarantine"
    for path in sorted(folder.glob("*.parquet")):
        rows = pq.read_table(path).to_pylist()
        own = [rows[place] for place in rows_of_person(rows, person, settings)]
        if own:
            yield Holding(f"landing/quarantine/{path.name}", "refused rows", len(own), tuple(own))


def in_landing(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Iterator[Holding]:
    relations = landing_relations(manifest)
    for name, entity in ENTITIES.items():
        for relation, folder, columns in (
            (name, "batches", entity.landed_columns()),
            (f"{name}_personal", "personal", entity.personal_landed_columns() if entity.personal_columns else ()),
        ):
            condition = claim([column for column, _ in columns])
            if condition is not None:
                records = _records(con, f"select * from ({relations[relation]}) where {condition}")
                if records:
                    yield Holding(f"landing/{folder}/{name}", name.replace("_", " "), len(records), records)


def _in_registry(con: duckdb.DuckDBPyConnection) -> Iterator[Holding]:
    records = _records(
        con,
        "select registry_id, source, customer_ref from customer_aliases where registry_id > 0 "
        "and registry_id in (select number from person_registry)",
    )
    if records:
        yield Holding("identity", "numbered references", len(records), records)


def in_choices(settings: Settings, keys: Keys) -> Iterator[Holding]:
    """What the person chose about profiling by the command; objections that a source reports have landed."""
    records = tuple(choices_of(settings.paths, keys.registry_ids))
    if records:
        yield Holding(f"identity/{PROFILING_CHOICES}", "choices about profiling", len(records), records)


def in_warehouse(con: duckdb.DuckDBPyConnection) -> Iterator[Holding]:
    for schema, table, condition in claimed_tables(con):
        name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
        records = _records(con, f"select * from {name} where {condition}")
        if records:
            yield Holding(f"warehouse, schema {schema}", table, len(records), records)


def claimed_tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """(schema, table, condition) of every table of the open database that can hold rows of the person."""
    rows = con.execute(
        "select schema_name, table_name, list(column_name) from duckdb_tables() "
        "inner join duckdb_columns() using (database_oid, schema_oid, table_oid, schema_name, table_name) "
        "where duckdb_tables.database_name = current_database() group by all order by all"
    ).fetchall()
    return [(schema, table, condition) for schema, table, columns in rows if (condition := claim(columns)) is not None]


def in_assignments(
    con: duckdb.DuckDBPyConnection, settings: Settings, needles: Needles | None = None
) -> Iterator[Holding]:
    """Entries of the person, and the lists of their days; with `needles` only those in which they are named.

    Whoever objects or withdraws is taken off a list, and their entry stays.
    """
    paths = settings.paths
    for path in sorted(paths.assignments.glob("*/*.parquet")):
        records = _records(con, _of_file(path))
        if not records:
            continue
        yield Holding(f"assignments/{path.parent.name}/{path.name}", "entries into a campaign", len(records), records)
        channels = {record["channel"] for record in records if record.get("arm") == TREATED}
        for file in files_below(paths.lists / path.stem):
            if file.name.split(".")[0] in channels and (needles is None or needles.are_in(file)):
                yield Holding(f"lists/{path.stem}/{file.name}", "an issued list", 1)


def in_published(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Holding]:
    counts: dict[str, tuple[int, int]] = {}
    for path in sorted((settings.paths.published / "parquet" / ".versions").glob("*/*.parquet")):
        rows = len(_records(con, _of_file(path)))
        if rows:
            files, before = counts.get(path.stem, (0, 0))
            counts[path.stem] = (files + 1, before + rows)
    for table, (files, rows) in sorted(counts.items()):
        yield Holding("published/parquet", f"{table} (in {files} files)", rows)
    copy = settings.paths.published / "serving" / "strata.duckdb"
    if copy.is_file():
        yield from in_serving_copy(con, copy)


def in_serving_copy(con: duckdb.DuckDBPyConnection, copy: Path) -> Iterator[Holding]:
    con.execute(f"attach {quote_literal(str(copy))} as served (read_only)")
    try:
        tables = con.execute(
            "select table_name, list(column_name) from duckdb_columns() where database_name = 'served' "
            "and table_name in (select table_name from duckdb_tables() where database_name = 'served') "
            "group by all order by all"
        ).fetchall()
        for table, columns in tables:
            condition = claim(columns)
            if condition is not None:
                [[rows]] = con.execute(
                    f"select count(*) from served.{quote_identifier(table)} where {condition}"
                ).fetchall()
                if rows:
                    yield Holding("published/serving/strata.duckdb", table, rows)
    finally:
        con.execute("detach served")


def _in_postgres(settings: Settings, person: Person) -> Iterator[Holding]:
    for schema, table, rows in held_in_postgres(settings, person.keys):
        yield Holding(f"PostgreSQL, schema {schema}", table, rows)


def _of_file(path: Path) -> str:
    """The select of a Parquet file's rows that are the person's."""
    condition = claim(pq.read_schema(path).names)
    return f"select * from {file_sql(path)} where {condition or 'false'}"


def _records(con: duckdb.DuckDBPyConnection, select: str) -> tuple[dict[str, Any], ...]:
    table: pa.Table = con.sql(select).to_arrow_table()
    return tuple(table.to_pylist())


def _inbox_files(
    con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest, needles: Needles
) -> Iterator[str]:
    """Files that were dropped and that the person's rows came from, or that hold a contact point or name of theirs."""
    named = files_read(con, manifest)
    for path in files_below(settings.paths.inbox):
        place = str(path.relative_to(settings.paths.data))
        if place in named or needles.are_in(path):
            yield place
    yield from sorted(file for file in named if not (settings.paths.data / file).exists())


def files_read(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> set[str]:
    """The files that landed rows of the person were read from, as landing names them."""
    relations = landing_relations(manifest)
    named: set[str] = set()
    for name, entity in ENTITIES.items():
        condition = claim([column for column, _ in entity.landed_columns()])
        if condition is not None:
            rows = con.execute(f"select distinct source_file from ({relations[name]}) where {condition}").fetchall()
            named |= {file for (file,) in rows}
    return named


# What has its own part above, or holds no text: the lock and spill files of a run that is under way.
_LOOKED_AT = ("inbox", "landing", "identity", "warehouse", "published", "assignments", "lists")


def _other_files(settings: Settings, needles: Needles) -> Iterator[str]:
    for path in files_below(settings.paths.data):
        place = path.relative_to(settings.paths.data)
        if place.parts[0] not in _LOOKED_AT and needles.are_in(path):
            yield str(place)
