"""The quarantine: what was refused and why, and reading it again after a mapping is mended.

Original text counts as personal: it stays in files of mode 0600, and no message or log quotes it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dagster_project.contract.entities import ENTITIES
from dagster_project.landing.batches import Batch, LandedRead, LandingResult, Manifest
from dagster_project.landing.committing import commit, connected, land_file, mapping_fingerprint
from dagster_project.landing.erased import REMOVED_TEXT
from dagster_project.landing.intake import Progress, landing, mappings
from dagster_project.landing.rows import Mapping, check_rows, refuse_as_before
from dagster_project.landing.writing import read_batches, record_sql
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
        pa.field("record", pa.string()),
    ]
)


def list_quarantine(paths: Paths) -> pa.Table:
    """Every row that is in quarantine now (QUARANTINE_SCHEMA), those of a file that the limit stopped included.

    `kind` is invalid (breaks the contract) or excluded (by a rule of the mapping); `original` is the record as JSON of
    its source columns, or the line itself where it was no record; `record` is its key as a JSON list, where it has one.
    What is pulled is read anew with each change: of a record only the newest reading is listed, and none once a later
    one was accepted.
    """
    manifest = Manifest.load(paths)
    standing = {manifest.absolute(batch.quarantine_path) for batch in manifest.quarantine() if batch.quarantine_path}
    committed = {manifest.absolute(batch.quarantine_path) for batch in manifest.batches if batch.quarantine_path}
    stopped = set((paths.landing / "quarantine").glob("*.parquet")) - committed
    tables = [_read_quarantine(path) for path in sorted(standing | stopped)]
    listed = pa.concat_tables(tables) if tables else QUARANTINE_SCHEMA.empty_table()
    return _without_overtaken(listed, manifest)


def replay_quarantine(settings: Settings, *, now: datetime, progress: Progress | None = None) -> LandingResult:
    """Read quarantined rows again with the mappings as they are now; rows whose mapping is unchanged stay.

    Where the file is still in place it is read again as a whole. What is pulled waits for the next landing, which pulls
    everything again with the mended mapping. Each row counts once (`Manifest.row_counts`).

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


def texts_kept(path: Path) -> int:
    """How many rows of a quarantine file still have their text: erasing a person takes it out, and so does its age."""
    originals = pq.read_table(path, columns=["original"])["original"]
    return int(pc.sum(pc.not_equal(originals, REMOVED_TEXT)).as_py() or 0)


def _replay(settings: Settings, manifest: Manifest, mapping: Mapping | None, batch: Batch, now: datetime) -> LandedRead:
    if mapping is None:
        return LandedRead(batch.source, batch.entity, batch.source_file, note="its read is no longer in sources.yaml")
    mapped = mapping_fingerprint(mapping)
    if mapped == batch.mapping_fingerprint:
        return LandedRead(batch.source, batch.entity, batch.source_file, note="its mapping has not changed")
    if batch.is_pulled:
        # Its system has the records as they are now; those of the quarantine may have been mended there.
        note = "the next landing pulls everything again with its mended mapping"
        return LandedRead(batch.source, batch.entity, batch.source_file, note=note)
    content = batch.content_fingerprint
    with connected(settings) as con:
        file = _file_in_place(settings, mapping, batch)
        if file is not None:
            return land_file(con, settings, manifest, mapping, file, content=content, mapped=mapped, now=now)
        if batch.entity == "order_lines":
            # A batch holds all lines of an order: the mended lines alone would replace those that landed.
            note = "put the file back: an order's lines are read together"
            return LandedRead(batch.source, batch.entity, batch.source_file, note=note)
        quarantine = glob_free(manifest.absolute(batch.quarantine_path or ""))
        if not texts_kept(manifest.absolute(batch.quarantine_path or "")):
            note = "the text of its rows was removed; put the file back"
            return LandedRead(batch.source, batch.entity, batch.source_file, note=note)
        relation = f"select row_number, original from read_parquet({quote_literal(quarantine)}) order by row_number"
        records = json_records(con, relation, "original", mapping.wanted, row_number="row_number")
        checked = check_rows(con, records, mapping, file_name=batch.source_file, replayed=batch)
        refuse_as_before(con, quarantine)
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


def _read_quarantine(path: Path) -> pa.Table:
    table = pq.read_table(path)
    if "record" not in table.column_names:  # files of before records were named
        table = table.append_column("record", pa.nulls(table.num_rows, pa.string()))
    return table.cast(QUARANTINE_SCHEMA)


def _without_overtaken(listed: pa.Table, manifest: Manifest) -> pa.Table:
    """The rows that stand: of a record that is pulled, only its newest reading, and none once a later one landed."""
    pulled = [batch for batch in manifest.quarantine() if batch.is_pulled]
    if not pulled:
        return listed
    con = duckdb.connect()
    try:
        con.register("listed", listed.append_column("place", pa.array(range(listed.num_rows), pa.int64())))
        con.register(
            "pulled",
            pa.table(
                {
                    "batch_id": [batch.batch_id for batch in pulled],
                    "read_number": [batch.read_number for batch in pulled],
                    "sequence": [batch.sequence for batch in pulled],
                }
            ),
        )
        landed = " union all ".join(
            f"select {quote_literal(source)} as source, {quote_literal(entity)} as entity, "
            f"{record_sql(ENTITIES[entity])} as record, batch_sequence from {read_batches(batches, manifest)}"
            for source, entity in sorted({(batch.source, batch.entity) for batch in pulled})
            if (batches := manifest.of(entity, source))
        )
        nothing = (
            "select null::varchar as source, null::varchar as entity, null::varchar as record, 0 as batch_sequence"
        )
        names = ", ".join(f"listed.{name}" for name in QUARANTINE_SCHEMA.names)
        text = f"nullif(original, {quote_literal(REMOVED_TEXT)})"
        standing = con.sql(
            f"""
            with landed as ({landed or nothing}),
            readings as (
                select listed.*, sequence
                from listed
                left join pulled using (batch_id)
                qualify sequence is null or row_number() over (
                    partition by
                        source, entity, read_number, coalesce(record, {text}, batch_id || ' ' || listed.row_number)
                    order by sequence desc, listed.row_number desc
                ) = 1
            )
            select {names}
            from readings as listed
            where not exists (
                select 1
                from landed
                where landed.source = listed.source and landed.entity = listed.entity
                    and landed.record = listed.record and landed.batch_sequence > listed.sequence
            )
            order by place
            """
        )
        return standing.to_arrow_table().cast(QUARANTINE_SCHEMA)
    finally:
        con.close()
