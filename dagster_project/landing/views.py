"""What has landed as SQL relations: one an entity, always with its full schema, empty where nothing has landed.

Only text is made here; the warehouse makes views of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dagster_project.contract.entities import ENTITIES, ColumnType
from dagster_project.landing.batches import Batch, Manifest
from dagster_project.landing.parquet_files import read_landed
from dagster_project.sql_text import quote_identifier, quote_literal

_BATCH_COLUMNS = {
    "batch_id": "varchar",
    "sequence": "bigint",
    "source": "varchar",
    "entity": "varchar",
    "source_file": "varchar",
    "rows_read": "bigint",
    "accepted": "bigint",
    "new": "bigint",
    "changed": "bigint",
    "unchanged": "bigint",
    "rejected": "bigint",
    "excluded": "bigint",
    "first_event_on": "date",
    "last_event_on": "date",
    "earliest_changed_on": "date",
    "landed_at": "timestamptz",
    "is_derived": "boolean",
    "replays": "varchar",
}


def landing_relations(manifest: Manifest) -> dict[str, str]:
    """SQL of each relation by name: the entities, `<entity>_personal`, `batches` and `quarantine_counts`."""
    relations: dict[str, str] = {}
    for name, entity in ENTITIES.items():
        batches = manifest.of(name)
        has_older = any(batch.is_of_older_contract for batch in batches)
        files = [batch.path for batch in batches]
        relations[name] = _relation(manifest, files, entity.landed_columns(), has_older=has_older)
        if entity.personal_columns:
            files = [batch.personal_path for batch in batches]
            columns = entity.personal_landed_columns()
            relations[f"{name}_personal"] = _relation(manifest, files, columns, has_older=has_older)
    relations["batches"] = _values(
        _BATCH_COLUMNS, [[getattr(batch, column) for column in _BATCH_COLUMNS] for batch in manifest.batches]
    )
    relations["quarantine_counts"] = _values(
        {
            "batch_id": "varchar",
            "source": "varchar",
            "entity": "varchar",
            "source_file": "varchar",
            "reason": "varchar",
            "row_count": "bigint",
        },
        [row for batch in manifest.quarantine() for row in _reason_rows(batch)],
    )
    return relations


def _relation(
    manifest: Manifest, files: Sequence[str | None], columns: Iterable[tuple[str, ColumnType]], *, has_older: bool
) -> str:
    """The rows of the files; columns that an older batch has not got are NULL."""
    columns = tuple(columns)
    paths = [manifest.absolute(file) for file in files if file]
    if not paths:
        empty = ", ".join(f"cast(null as {kind.sql}) as {quote_identifier(name)}" for name, kind in columns)
        return f"select {empty} where false"
    names = ", ".join(quote_identifier(name) for name, _ in columns)
    return f"select {names} from {read_landed(paths, columns, has_older=has_older)}"


def _reason_rows(batch: Batch) -> list[list[object]]:
    return [
        [batch.batch_id, batch.source, batch.entity, batch.source_file, reason, count]
        for reason, count in batch.reasons.items()
    ]


def _values(columns: dict[str, str], rows: Sequence[Sequence[object]]) -> str:
    names = ", ".join(quote_identifier(name) for name in columns)
    lines = rows or [[None] * len(columns)]
    values = ", ".join("(" + ", ".join(map(_literal, row)) + ")" for row in lines)
    casts = ", ".join(
        f"cast({quote_identifier(name)} as {kind}) as {quote_identifier(name)}" for name, kind in columns.items()
    )
    return f"select {casts} from (values {values}) as listed ({names})" + ("" if rows else " where false")


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return str(value).lower()
    return quote_literal(str(value))
