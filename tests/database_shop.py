"""A shop's database for the tests of database sources: real PostgreSQL in a schema of the test's own, or SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pyarrow.parquet as pq
from pydantic import SecretStr

from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import DatabaseSource
from dagster_project.sources.database import pull_table
from dagster_project.sources.pulling import Holding, Part, Pull

NOW = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
ORDER_COLUMNS = {"order_id": "id", "customer_ref": "buyer", "ordered_at": "placed_at", "gross_amount": "total"}


@dataclass(frozen=True)
class Pulled:
    """A part and its rows, read before the next part was asked for."""

    part: Part
    rows: list[dict[str, Any]]

    @property
    def is_records(self) -> bool:
        return self.part.holding is Holding.RECORDS

    def values(self, column: str) -> list[Any]:
        return [row[column] for row in self.rows]


@dataclass
class Database:
    """A database with an address, statements run on it, and pulls from it."""

    url: str
    folder: Path
    said: list[str] = field(default_factory=list)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements; rows of the last where it gives any."""
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.url.removeprefix("sqlite:///")) as con:
                for statement in statements:
                    rows = con.execute(statement).fetchall()
            return rows
        with adbc_driver_postgresql.dbapi.connect(self.url, autocommit=True) as con, con.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def source(self, **read: Any) -> DatabaseSource:
        """A source with one read; settings of the source stand in `of_source`."""
        of_source = {"attempts": 2, "longest_wait_seconds": 0.01, **read.pop("of_source", {})}
        read = {"entity": "orders", "columns": ORDER_COLUMNS, **read}
        return DatabaseSource.model_validate({"name": "shop", "kind": "database", "reads": [read], **of_source})

    def pull(
        self, since: str | None = None, *, now: datetime = NOW, limit: int | None = None, **read: Any
    ) -> Iterator[Pulled]:
        """The parts of a pull and their rows, one at a time."""
        for part in self.parts(since, now=now, limit=limit, **read):
            yield Pulled(part, pq.read_table(part.file.path).to_pylist())

    def parts(
        self, since: str | None = None, *, now: datetime = NOW, limit: int | None = None, **read: Any
    ) -> Iterator[Part]:
        """The parts alone; each file goes when the next is asked for."""
        source = self.source(**read)
        [asked_read] = source.reads
        names = [name for spec in asked_read.columns.values() for name in spec.source_names]
        asked = Pull(
            since=since,
            wanted=tuple(dict.fromkeys([*names, *asked_read.where, *asked_read.links.values()])),
            key=names[0],
            now=now,
            folder=self.folder,
            secrets=Secrets({"STRATA_SHOP_URL": SecretStr(self.url)}),
            say=self.said.append,
            limit=limit,
        )
        for part in pull_table(source, asked_read, asked):
            yield part
            part.file.path.unlink()

    def ids(self, since: str | None = None, **read: Any) -> tuple[list[Any], str | None]:
        """Ids of the records of a pull in their order, and the last watermark."""
        parts = list(self.pull(since, **read))
        ids = [value for each in parts if each.is_records for value in each.values("id")]
        return ids, parts[-1].part.watermark if parts else since
