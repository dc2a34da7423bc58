"""The parts of a pull become batches, each with the watermark from which the next pull goes on.

Deleted records are landed as the rows they were, marked as deleted. Talking to systems is sources'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.landing.batches import LandedRead, Manifest, write_entry
from dagster_project.landing.committing import (
    connected,
    land_file,
    mapping_fingerprint,
    stamp_of,
    temporary_folder,
    written_batch,
)
from dagster_project.landing.rows import Mapping, keys_relation
from dagster_project.landing.writing import NOTHING, Stamp, Written, hash_probe, write_deletions
from dagster_project.settings import Settings
from dagster_project.sources.files import fingerprint, opened
from dagster_project.sources.pulling import DELETED_AT, Holding, Part, Pull, pull


def land_pulled(
    settings: Settings, manifest: Manifest, mapping: Mapping, *, now: datetime, say: Callable[[str], None]
) -> Iterator[LandedRead]:
    """Land what a system holds since the last pull that landed, part by part.

    A kill costs at most the part that was on its way: the next pull goes on from the watermark of the last landed one.
    """
    source, entity = mapping.source, mapping.read.entity
    mapped = mapping_fingerprint(mapping)
    since = manifest.watermark(source.name, entity, mapping.read_number, mapped)
    asked = pull_of(settings, mapping, since=since, now=now, folder=temporary_folder(settings.paths), say=say)
    found = False
    for number, part in enumerate(pull(source, mapping.read, asked)):
        landed = _land_part(settings, manifest, mapping, part, mapped, now, is_first=since is None and number == 0)
        part.file.path.unlink(missing_ok=True)
        manifest = manifest.with_batches(landed.batches)
        found = True
        yield landed
    if not found:
        yield LandedRead(source.name, entity, f"{source.kind}:{mapping.read.place}", note="nothing new")


def pull_of(
    settings: Settings,
    mapping: Mapping,
    *,
    since: str | None,
    now: datetime,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    limit: int | None = None,
) -> Pull:
    """What the connector of a read is asked."""
    key = mapping.read.columns.get(mapping.read.contract.own_key[0])
    return Pull(
        since=since,
        wanted=mapping.wanted,
        key=key.source_names[0] if key is not None and key.source_names else "",
        now=now,
        folder=folder,
        secrets=settings.environment.secrets,
        say=say,
        limit=limit,
    )


def _land_part(
    settings: Settings,
    manifest: Manifest,
    mapping: Mapping,
    part: Part,
    mapped: str,
    now: datetime,
    *,
    is_first: bool,
) -> LandedRead:
    content = fingerprint(part.file)
    with connected(settings.paths) as con:
        if part.holding is Holding.RECORDS and part.row_count:
            return land_file(
                con,
                settings,
                manifest,
                mapping,
                part.file,
                content=content,
                mapped=mapped,
                now=now,
                watermark=part.watermark,
                may_lack_columns=not is_first,
            )
        stamp = stamp_of(
            mapping, manifest.newest_sequence + 1, content=content, mapped=mapped, file_name=part.file.name, now=now
        )
        written = NOTHING if part.holding is Holding.RECORDS else _delete(con, settings, manifest, mapping, part, stamp)
        batch = written_batch(
            settings, mapping, written, stamp, content=content, mapped=mapped, watermark=part.watermark
        )
        batch = replace(batch, hash_probe=hash_probe(con))
    write_entry(settings.paths.landing, [batch])
    return LandedRead(mapping.source.name, mapping.read.entity, part.file.name, (batch,))


def _delete(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    manifest: Manifest,
    mapping: Mapping,
    part: Part,
    stamp: Stamp,
) -> Written:
    """Write the records that are gone as deleted rows."""
    temporary = temporary_folder(settings.paths)
    form = mapping.read.form
    with opened(con, part.file, form, wanted=mapping.wanted, place=mapping.place, temporary=temporary) as records:
        return write_deletions(
            con,
            mapping.read.contract,
            stamp,
            manifest,
            keys=keys_relation(records, mapping, beside=DELETED_AT),
            # Another read of the same entity lands other records, which are no less there for being no part of these.
            all_of_read=mapping.read_number if part.holding is Holding.ALL_KEYS else None,
            time_zone=mapping.business.time_zone,
        )
