"""What a pull is asked and what it gives: records of a system, spooled to files in parts that land one by one.

The connectors (`database`, `zoho_crm`, `fxiaoke`) fill parts; landing reads them like files. Nothing here talks to a
system.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import DatabaseSource, FxiaokeSource, PulledRead, Source, ZohoSource
from dagster_project.settings.sources.reads import Read
from dagster_project.sources.files import SourceError, SourceFile

DELETED_AT = "deleted_at"
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
NO_FILE_NAME = re.compile(r"[^\w.]+")


class SourceUnavailable(SourceError):
    """A system did not answer, after every try that the settings allow. The next run goes on where this one ended."""


class Holding(StrEnum):
    """What the rows of a part are.

    Keys stand in Parquet, in the source column that the mapping reads the key from, `deleted_at` beside those of
    deleted records where the system says when.
    """

    RECORDS = "records"
    DELETED_KEYS = "deleted keys"
    ALL_KEYS = "all keys"


@dataclass(frozen=True)
class Part:
    """A part of a pull. Once it has landed, the next pull is asked to go on from `watermark`.

    The watermark is the connector's own text; landing keeps it and looks at nothing in it.
    """

    file: SourceFile
    row_count: int
    watermark: str | None
    holding: Holding = Holding.RECORDS


@dataclass(frozen=True)
class Pull:
    """What a connector gets besides its settings.

    `since` is the watermark of the last part that landed, None at first and when the mapping has changed. `wanted` are
    the source names that the mapping may read, `key` the one that holds the key; it is empty where the key takes
    several columns or none, and then no part may hold keys. `now` is aware. Parts are spooled into `folder`. `say`
    shows progress. A `limit` asks for no more records than that, of no particular age, and for records only.
    """

    since: str | None
    wanted: tuple[str, ...]
    key: str
    now: datetime
    folder: Path
    secrets: Secrets
    say: Callable[[str], None]
    limit: int | None = None


Connector = Callable[[Any, Any, Pull], Iterator[Part]]


def pulled_from(source: Source, read: Read) -> str:
    """What a read is pulled from, for lineage and messages: `zoho_crm:Deals`."""
    return f"{source.kind}:{read.place}"


def pull(source: Source, read: Read, asked: Pull) -> Generator[Part]:
    """The parts of one read, oldest first. Each file may be removed once the next part is asked for. Closing it ends
    the talk with the system.

    Raises:
        SourceError: the system refuses, or its answer is not what it should be.
        SourceUnavailable: it does not answer.
        SettingsError: a secret is not in the environment.
    """
    yield from _connector(source)(source, read, asked)


def _connector(source: Source) -> Connector:
    # Imported when needed: a run of files alone loads no driver and no HTTP library.
    if isinstance(source, DatabaseSource):
        from dagster_project.sources.database import pull_table

        return pull_table
    if isinstance(source, ZohoSource):
        from dagster_project.sources.zoho_crm import pull_module

        return pull_module
    if isinstance(source, FxiaokeSource):
        from dagster_project.sources.fxiaoke import pull_object

        return pull_object
    raise TypeError(f"sources of kind {source.kind} are read, not pulled")


class Spool:
    """Records as JSON lines in a file of the pull's folder, written as they come."""

    def __init__(self, asked: Pull, source: Source, read: PulledRead, number: int) -> None:
        path = asked.folder / f"{source.name}-{NO_FILE_NAME.sub('-', read.place)}-{number}.jsonl"
        self.file = SourceFile(path, pulled_from(source, read), "jsonl")
        self.row_count = 0
        self._lines = path.open("wb")

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
        try:
            self._lines.write(line.encode())
        except UnicodeEncodeError:  # half an emoji, cut off by a system that counts in UTF-16
            self._lines.write(HALF_CHARACTER.sub("\ufffd", line).encode())
        self.row_count += 1

    def part(self, watermark: str | None) -> Part:
        """The spooled records as a part."""
        self._lines.close()
        return Part(self.file, self.row_count, watermark)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
