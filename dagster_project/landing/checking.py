"""Reading sources without landing them: what a run would find, for `strata check`.

The same reading and the same checks as landing; nothing is written below the data folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError
from dagster_project.landing.intake import mappings
from dagster_project.landing.rows import Mapping, check_rows
from dagster_project.settings import Settings
from dagster_project.sources.files import SourceFile, find_files, opened


@dataclass(frozen=True)
class CheckedFile:
    """A file as a run would see it; `fault` says what stops it, `reasons` why rows would go to quarantine."""

    source: str
    entity: str
    file: str
    rows: int = 0
    rejected: int = 0
    excluded: int = 0
    is_over_limit: bool = False
    reasons: tuple[tuple[str, int], ...] = ()
    fault: str | None = None

    @property
    def is_fine(self) -> bool:
        return self.fault is None and not self.is_over_limit


def check_sources(settings: Settings) -> Iterator[CheckedFile]:
    """Read every file of every mapping and say what would become of it; faults are told, not raised."""
    with tempfile.TemporaryDirectory(prefix="strata-check-") as temporary:
        for mapping in mappings(settings):
            yield from _check_read(settings, mapping, Path(temporary))


def _check_read(settings: Settings, mapping: Mapping, temporary: Path) -> Iterator[CheckedFile]:
    source, entity, patterns = mapping.source.name, mapping.read.entity, ", ".join(mapping.read.path)
    try:
        files = find_files(settings.paths.data, mapping.read, place=mapping.place)
    except StrataError as error:
        yield CheckedFile(source, entity, patterns, fault=str(error))
        return
    if not files:
        is_pattern = any(mark in patterns for mark in "*?[")
        missing = None if is_pattern else f"there is no such file in {settings.paths.data}"
        yield CheckedFile(source, entity, patterns, fault=missing)
    for file in files:
        try:
            yield _check_file(settings, mapping, file, temporary)
        except StrataError as error:
            yield CheckedFile(source, entity, file.name, fault=str(error))


def _check_file(settings: Settings, mapping: Mapping, file: SourceFile, temporary: Path) -> CheckedFile:
    with duckdb.connect(config={"temp_directory": str(temporary)}) as con:
        con.execute("set TimeZone = 'UTC'")
        with opened(
            con, file, mapping.read, wanted=mapping.wanted, place=mapping.place, temporary=temporary
        ) as records:
            checked = check_rows(con, records, mapping, file_name=file.name)
            counts = checked.counts(con)
            reasons = checked.reason_counts(con) if counts.rejected else {}
    return CheckedFile(
        mapping.source.name,
        mapping.read.entity,
        file.name,
        rows=counts.read,
        rejected=counts.rejected,
        excluded=counts.excluded,
        is_over_limit=counts.bad_share > settings.sources.bad_rows_limit(mapping.read),
        reasons=tuple(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
    )
