"""The quarantine: what was refused and why, and reading it again after a mapping is mended.

Original text counts as personal: it stays in files of mode 0600, and no message or log quotes it.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.landing.batches import Batch, LandedRead, LandingResult, Manifest
from dagster_project.landing.committing import commit, connected, land_file, mapping_fingerprint
from dagster_project.landing.intake import Progress, landing, mappings
from dagster_project.landing.rows import Mapping, check_rows
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.settings.sources import FileRead
from dagster_project.sources.files import SourceFile, find_files, fingerprint, glob_free, json_records
from dagster_project.sql_text import quote_literal

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("batch_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("entity", pa.string()),
        pa.field("source_file", pa.string()),
        pa.field("row_number", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("original", pa.string()),
    ]
)


def list_quarantine(paths: Paths) -> pa.Table:
    """Every row that is in quarantine now (QUARANTINE_SCHEMA), those of a file that the limit stopped included.

    `kind` is invalid (breaks the contract) or excluded (by a rule of the mapping); `original` is the record as JSON of
    its source columns, or the line itself where it was no record.
    """
    manifest = Manifest.load(paths)
    standing = {manifest.absolute(batch.quarantine_path) for batch in manifest.quarantine() if batch.quarantine_path}
    committed = {manifest.absolute(batch.quarantine_path) for batch in manifest.batches if batch.quarantine_path}
    stopped = set((paths.landing / "quarantine").glob("*.parquet")) - committed
    tables = [pq.read_table(path).cast(QUARANTINE_SCHEMA) for path in sorted(standing | stopped)]
    return pa.concat_tables(tables) if tables else QUARANTINE_SCHEMA.empty_table()


def replay_quarantine(settings: Settings, *, now: datetime, progress: Progress | None = None) -> LandingResult:
    """Read quarantined rows again with the mappings as they are now; rows whose mapping is unchanged stay.

    Where the file is still in place it is read again as a whole. Each row counts once (`Manifest.row_counts`).

    Raises:
        LandingHeld: another process is landing.
        SourceError: a file cannot be read as its mended mapping says.
    """
    reads: list[LandedRead] = []
    with landing(settings.paths, now=now) as manifest:
        known = {
            (mapping.source.name, mapping.read.entity, mapping.read_number): mapping for mapping in mappings(settings)
        }
        for batch in manifest.quarantine():
            mapping = known.get((batch.source, batch.entity, batch.read_number))
            landed = _replay(settings, manifest, mapping, batch, now)
            manifest = manifest.with_batches(landed.batches)
            reads.append(landed)
            if progress is not None:
                progress(landed)
    return LandingResult(tuple(reads))


def _replay(settings: Settings, manifest: Manifest, mapping: Mapping | None, batch: Batch, now: datetime) -> LandedRead:
    if mapping is None:
        return LandedRead(batch.source, batch.entity, batch.source_file, note="its read is no longer in sources.yaml")
    mapped = mapping_fingerprint(mapping)
    if mapped == batch.mapping_fingerprint:
        return LandedRead(batch.source, batch.entity, batch.source_file, note="its mapping has not changed")
    content = batch.content_fingerprint
    with connected(settings.paths) as con:
        file = _file_in_place(settings, mapping, batch)
        if file is not None:
            return land_file(con, settings, manifest, mapping, file, content=content, mapped=mapped, now=now)
        if batch.entity == "order_lines":
            # A batch holds all lines of an order: the mended lines alone would replace those that landed.
            note = "put the file back: an order's lines are read together"
            return LandedRead(batch.source, batch.entity, batch.source_file, note=note)
        quarantine = glob_free(manifest.absolute(batch.quarantine_path or ""))
        relation = f"select row_number, original from read_parquet({quote_literal(quarantine)}) order by row_number"
        records = json_records(con, relation, "original", mapping.wanted, row_number="row_number")
        checked = check_rows(con, records, mapping, file_name=batch.source_file, replayed=batch)
        batches = commit(
            con,
            settings,
            manifest,
            checked,
            content=content,
            mapped=mapped,
            now=now,
            file_name=batch.source_file,
            replays=batch.replays or batch.batch_id,
        )
    return LandedRead(batch.source, batch.entity, batch.source_file, tuple(batches))


def _file_in_place(settings: Settings, mapping: Mapping, batch: Batch) -> SourceFile | None:
    """The batch's own file, where it still lies there with the same content."""
    if not isinstance(mapping.read, FileRead):
        return None
    for file in find_files(settings.paths.data, mapping.read, place=mapping.place):
        if file.name == batch.source_file and fingerprint(file) == batch.content_fingerprint:
            return file
    return None
