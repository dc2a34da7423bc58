"""Batches and the manifest: what has landed, as immutable entries written last.

A Parquet file that no entry names never landed. Reading files and casting rows is elsewhere; here are only the
records of it, their folder layout and their counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_project.atomic_files import PRIVATE_FILE, flush, written_beside
from dagster_project.contract.entities import CONTRACT_VERSION
from dagster_project.errors import StrataError
from dagster_project.settings.paths import Paths

# Of an entry as it is written; entries of every earlier version are read as they are. 1: batches without
# `contract_version`.
MANIFEST_VERSION = 2
_FIRST_CONTRACT_VERSION = 1
PARQUET_MAGIC = b"PAR1"  # the first and the last bytes of every Parquet file


class DamagedBatch(StrataError):
    """A file of landing is not the one that the manifest names."""


@dataclass(frozen=True)
class Batch:
    """One file's rows of one entity, as they were landed.

    rows_read = accepted + rejected, and accepted = new + changed + unchanged. `excluded` are the rejected rows that a
    rule of the mapping left out. Only new and changed rows are stored. Paths are relative to the landing folder.
    `earliest_changed_on` is the first business day that a new or changed row touches, by its old or its new day.
    `read_number` tells reads of one entity within a source apart (from 1, as in the settings). `replays` names the
    batch whose quarantine was read again, `decimal_mark` what numbers in text were read with. `watermark` is where
    the pull that ended with this batch goes on; `is_pulled` tells parts of pulls from files, and
    `are_deletions` those that landing made for records that are gone. `erased` counts stored rows that erasures took
    out, and `before_erasures` holds for each of them its id and the fingerprints of the files before.
    `contract_version` is that of the columns of its files.
    """

    batch_id: str
    sequence: int
    source: str
    entity: str
    source_file: str
    content_fingerprint: str
    mapping_fingerprint: str
    read_number: int
    rows_read: int
    accepted: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    excluded: int
    first_event_on: date | None
    last_event_on: date | None
    earliest_changed_on: date | None
    landed_at: datetime
    path: str | None
    personal_path: str | None = None
    quarantine_path: str | None = None
    path_sha256: str | None = None
    personal_sha256: str | None = None
    quarantine_sha256: str | None = None
    is_derived: bool = False
    replays: str | None = None
    decimal_mark: str = "."
    hash_probe: str = ""
    watermark: str | None = None
    is_pulled: bool = False
    are_deletions: bool = False
    erased: int = 0
    before_erasures: tuple[Mapping[str, str | None], ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    contract_version: int = CONTRACT_VERSION

    @property
    def stored(self) -> int:
        """Rows in the batch's Parquet file."""
        return self.new + self.changed - self.erased

    @property
    def files(self) -> list[str]:
        """Its Parquet files and that of its quarantine, below data/landing."""
        return [name for name in (self.path, self.personal_path, self.quarantine_path) if name]

    @property
    def is_of_older_contract(self) -> bool:
        """Whether its files may lack columns that the contract has now, or hold them in another type."""
        return self.contract_version < CONTRACT_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, date) else dict(value) if isinstance(value, Mapping) else value
            for name, value in plain.items()
        } | {"before_erasures": [dict(each) for each in self.before_erasures]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Batch:
        """The batch that `to_json` wrote, now or in an earlier version; unknown fields are refused by name."""
        values = {"contract_version": _FIRST_CONTRACT_VERSION, **plain}
        for name in ("first_event_on", "last_event_on", "earliest_changed_on"):
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        values["before_erasures"] = tuple(values.get("before_erasures", ()))
        values["landed_at"] = datetime.fromisoformat(values["landed_at"])
        return cls(**values)


@dataclass(frozen=True)
class LandedRead:
    """What became of one file of one read. `batches` is empty where its content had landed before."""

    source: str
    entity: str
    source_file: str
    batches: tuple[Batch, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class LandingResult:
    """What one landing did, in the order in which it was read."""

    reads: tuple[LandedRead, ...]

    @property
    def batches(self) -> list[Batch]:
        """The batches that landed, by sequence."""
        return [batch for read in self.reads for batch in read.batches]

    @property
    def earliest_changed_on(self) -> date | None:
        """First business day that has to be computed anew, None where nothing changed."""
        days = [batch.earliest_changed_on for batch in self.batches if batch.earliest_changed_on]
        return min(days, default=None)


@dataclass(frozen=True)
class RowCounts:
    """Rows of one source and entity, each row of a file counted once however often it was read."""

    source: str
    entity: str
    rows_read: int
    accepted: int
    rejected: int
    excluded: int


@dataclass(frozen=True)
class Manifest:
    """All committed batches, by sequence."""

    folder: Path
    batches: tuple[Batch, ...]

    @classmethod
    def load(cls, paths: Paths) -> Manifest:
        """Read the manifest below `paths.landing`; an empty one where nothing has landed.

        Raises:
            StrataError: an entry cannot be read, or was written by a newer version.
        """
        batches: list[Batch] = []
        for entry in sorted(manifest_folder(paths.landing).glob("*.json")):
            try:
                plain = json.loads(entry.read_text(encoding="utf-8"))
                if plain["version"] > MANIFEST_VERSION:
                    raise StrataError(
                        f"{entry} was written by a newer version of Customer Strata (manifest {plain['version']}, this "
                        f"one reads up to {MANIFEST_VERSION}); install that version to read it."
                    )
                batches += [Batch.from_json(batch) for batch in plain["batches"]]
            except (ValueError, KeyError, TypeError) as error:
                raise StrataError(
                    f"{entry} is damaged ({error}); restore it from a backup of the data folder."
                ) from None
        return cls(paths.landing, tuple(sorted(batches, key=lambda batch: batch.sequence)))

    @property
    def newest_sequence(self) -> int:
        """Sequence of the newest batch, 0 where nothing has landed."""
        return max((batch.sequence for batch in self.batches), default=0)

    def of(self, entity: str, source: str | None = None) -> tuple[Batch, ...]:
        """Batches of `entity`, of one source or of all, that hold rows."""
        return tuple(
            batch
            for batch in self.batches
            if batch.entity == entity and batch.path and (source is None or batch.source == source)
        )

    def last_event_on(self, entity: str = "orders") -> date | None:
        """Last business day with an event of `entity`, None where there is none."""
        days = [batch.last_event_on for batch in self.batches if batch.entity == entity and batch.last_event_on]
        return max(days, default=None)

    def first_event_on(self, entity: str = "orders") -> date | None:
        """First business day with an event of `entity`, None where there is none."""
        days = [batch.first_event_on for batch in self.batches if batch.entity == entity and batch.first_event_on]
        return min(days, default=None)

    def watermark(self, source: str, entity: str, read_number: int, mapping_fingerprint: str) -> str | None:
        """Where the pull of a read goes on; None where it begins.

        It begins anew after every change of its mapping, also back to one that it had: what landed in between did so
        with the other.
        """
        for batch in reversed(self.batches):
            if (batch.source, batch.entity, batch.read_number) == (source, entity, read_number) and not batch.replays:
                if batch.mapping_fingerprint != mapping_fingerprint:
                    return None
                if batch.watermark is not None:
                    return batch.watermark
        return None

    def absolute(self, relative: str) -> Path:
        """Where a path of a batch lies."""
        return self.folder / relative

    def with_batches(self, batches: Iterable[Batch]) -> Manifest:
        """This manifest and newer batches."""
        return replace(self, batches=(*self.batches, *batches))

    @cached_property
    def _superseded(self) -> frozenset[str]:
        """Batches of what was read again as a whole, by the same read with another mapping: a file, or all pulls."""
        newest: dict[tuple[str, str, int, str, str], str] = {}
        pulled: dict[tuple[str, str, int], list[Batch]] = {}
        older: set[str] = set()
        for batch in self.batches:
            if batch.replays is not None:
                continue
            read = (batch.source, batch.entity, batch.read_number)
            place = (*read, batch.source_file, batch.content_fingerprint)
            if place in newest:
                older.add(newest[place])
            newest[place] = batch.batch_id
            if batch.is_pulled:
                before = pulled.setdefault(read, [])
                if before and before[-1].mapping_fingerprint != batch.mapping_fingerprint:
                    older.update(each.batch_id for each in before)
                    before.clear()
                before.append(batch)
        return frozenset(older)

    def readings(self) -> Iterator[tuple[Batch, tuple[Batch, ...]]]:
        """Each file's newest reading as a whole, with the replays of its quarantine."""
        replays: dict[str, list[Batch]] = {}
        for batch in self.batches:
            if batch.replays is not None:
                replays.setdefault(batch.replays, []).append(batch)
        for batch in self.batches:
            if batch.replays is None and batch.batch_id not in self._superseded:
                yield batch, tuple(replays.get(batch.batch_id, ()))

    def quarantine(self) -> tuple[Batch, ...]:
        """Batches whose quarantine stands: not read again since as a whole or by a replay."""
        return tuple(last for read, replays in self.readings() if (last := (read, *replays)[-1]).quarantine_path)

    def row_counts(self) -> list[RowCounts]:
        """Rows read, accepted and rejected of each source and entity, each row of a file once."""
        counts: dict[tuple[str, str], list[int]] = {}
        for read, replays in self.readings():
            last = (read, *replays)[-1]
            totals = counts.setdefault((read.source, read.entity), [0, 0, 0, 0])
            totals[0] += read.rows_read
            totals[1] += read.accepted + sum(replay.accepted for replay in replays)
            totals[2] += last.rejected
            totals[3] += last.excluded
        return [RowCounts(source, entity, *totals) for (source, entity), totals in sorted(counts.items())]


def refuse_damaged(manifest: Manifest, *, read_through: str | None = None) -> None:
    """Look whether the batches' files are there and whole at both ends; of the entity `read_through`, every byte.

    The ends alone take 20 microseconds a file; the bytes of 100 million orders would take seconds with every landing.

    Raises:
        DamagedBatch: one is not; the message names it and the cure.
    """
    for batch in manifest.batches:
        files = ((batch.path, batch.path_sha256), (batch.personal_path, batch.personal_sha256))
        for relative, checksum in files:
            if relative is None:
                continue
            path = manifest.absolute(relative)
            fault = _fault_of(path, checksum if batch.entity == read_through else None)
            if fault is not None:
                raise DamagedBatch(
                    f"{path} {fault}. It holds the {batch.entity} that landed from {batch.source_file} at "
                    f"{batch.landed_at:%Y-%m-%d %H:%M} UTC. Put it back from a backup of the data folder and run "
                    "again; what is published stays as it is until then."
                )


def _fault_of(path: Path, checksum: str | None) -> str | None:
    try:
        with path.open("rb") as file:
            first = file.read(len(PARQUET_MAGIC))
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - len(PARQUET_MAGIC)))
            if first != PARQUET_MAGIC or file.read() != PARQUET_MAGIC:
                return f"is damaged: its {end:,} bytes are no whole Parquet file"
            file.seek(0)
            if checksum is not None and hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                return "is damaged: its bytes are not those that were written"
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def manifest_folder(landing: Path) -> Path:
    """Where the manifest's entries lie."""
    return landing / "manifest"


def write_entry(landing: Path, batches: Iterable[Batch]) -> Path:
    """Commit batches that belong together: one entry, written when the files that it names are on the disk."""
    batches = tuple(batches)
    files = [landing / name for batch in batches for name in batch.files]
    for path in (*files, *{file.parent for file in files}):
        flush(path)
    entry = manifest_folder(landing) / f"{batches[0].sequence:08d}-{batches[0].batch_id}.json"
    document = {"version": MANIFEST_VERSION, "batches": [batch.to_json() for batch in batches]}
    with written_beside(entry, mode=PRIVATE_FILE) as beside:
        beside.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return entry


def remove_orphans(paths: Paths, manifest: Manifest) -> list[Path]:
    """Remove what no entry names: Parquet of a killed landing, unfinished entries, temporary files, spooled records."""
    known = {manifest.absolute(name) for batch in manifest.batches for name in batch.files}
    removed: list[Path] = []
    candidates = [
        *paths.landing.glob("batches/*/*"),
        *paths.landing.glob("personal/*/*"),
        *paths.landing.glob("quarantine/*"),
        *paths.landing.glob("temporary/*"),
        *manifest_folder(paths.landing).glob("*.unfinished"),
    ]
    for path in candidates:
        if path not in known:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed.append(path)
    return removed
