"""The parts of a pull become batches, each with the watermark from which the next pull goes on.

Deleted records are landed as the rows they were, marked as deleted. Talking to systems is sources'.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from dagster_project.contract.entities import ENTITIES
from dagster_project.landing.batches import Batch, LandedRead, Manifest, write_entry
from dagster_project.landing.committing import (
    connected,
    land_file,
    links_sql,
    mapping_fingerprint,
    stamp_of,
    temporary_folder,
    written_batch,
)
from dagster_project.landing.deletions import write_deletions
from dagster_project.landing.rows import Mapping, fill_named_keys
from dagster_project.landing.writing import NOTHING, Stamp, Written, hash_probe, write_batch
from dagster_project.settings import Settings
from dagster_project.settings.sources import PulledRead
from dagster_project.sources.files import fingerprint, opened
from dagster_project.sources.pulling import Holding, Part, Pull, pull, pulled_from
from dagster_project.sql_text import quote_identifier

# A watermark that only moves on is noted so often; a pull that read more rows than this in vain notes it at once.
NOTED_EVERY = timedelta(days=1)
ROWS_READ_IN_VAIN = 1_000


@dataclass(frozen=True)
class _PulledRead:
    """One read that is pulled, and what its batches are landed with."""

    settings: Settings
    mapping: Mapping
    pulled: PulledRead
    mapped: str
    now: datetime

    @property
    def origin(self) -> str:
        return pulled_from(self.mapping.source, self.mapping.read)

    def stamp(self, sequence: int, content: str) -> Stamp:
        return stamp_of(
            self.mapping, sequence, content=content, mapped=self.mapped, file_name=self.origin, now=self.now
        )

    def watermark(self, manifest: Manifest) -> str | None:
        """Where the next pull goes on."""
        return manifest.watermark(
            self.mapping.source.name, self.mapping.read.entity, self.mapping.read_number, self.mapped
        )

    def batches(self, manifest: Manifest) -> list[Batch]:
        """What this read has landed; also from elsewhere, where it was pointed at another place since."""
        at = (self.mapping.source.name, self.mapping.read.entity, self.mapping.read_number)
        return [batch for batch in manifest.batches if (batch.source, batch.entity, batch.read_number) == at]

    def says_anything(self, manifest: Manifest, batches: Sequence[Batch]) -> bool:
        """Whether batches are worth an entry: they change rows, or their watermark spares the next pull some work.

        What a pull reads again because of its overlap is known, and a watermark that only moves on is noted once a day:
        a pull of nothing new each hour would else make 8,760 entries a year.
        """
        landed = [batch for batch in self.batches(manifest) if not batch.replays]
        content, watermark, rows_read = batches[0].content_fingerprint, batches[0].watermark, batches[0].rows_read
        is_known = any(
            (each.content_fingerprint, each.mapping_fingerprint) == (content, self.mapped) for each in landed
        )
        if any(batch.stored or (batch.rejected and not is_known) for batch in batches):
            return True
        if not landed or landed[-1].mapping_fingerprint != self.mapped:
            return watermark is not None or rows_read > 0
        if watermark in (None, self.watermark(manifest)):
            return False
        noted_at = max((batch.landed_at for batch in landed if batch.watermark), default=None)
        return rows_read > ROWS_READ_IN_VAIN or noted_at is None or self.now - noted_at >= NOTED_EVERY

    def has_seen_records(self, manifest: Manifest) -> bool:
        """Whether records have landed with this mapping, so that all its columns have been found once."""
        return any(batch.mapping_fingerprint == self.mapped and batch.rows_read for batch in self.batches(manifest))


def land_pulled(
    settings: Settings, manifest: Manifest, mapping: Mapping, *, now: datetime, say: Callable[[str], None]
) -> Iterator[LandedRead]:
    """Land what a system holds since the last pull that landed, part by part.

    A kill costs at most the part that was on its way: the next pull goes on from the watermark of the last landed one.
    """
    if not isinstance(mapping.read, PulledRead):
        raise TypeError(f"{mapping.place} is read from files, not pulled")
    read = _PulledRead(settings, mapping, mapping.read, mapping_fingerprint(mapping), now)
    has_news = False
    # Readable by their owner only, as records of a pull are.
    with tempfile.TemporaryDirectory(
        prefix="pull-", dir=temporary_folder(settings.paths), ignore_cleanup_errors=True
    ) as folder:
        asked = pull_of(settings, mapping, since=read.watermark(manifest), now=now, folder=Path(folder), say=say)
        with closing(pull(mapping.source, mapping.read, asked)) as parts:
            for part in parts:
                landed = _land_part(read, manifest, part)
                part.file.path.unlink(missing_ok=True)
                if landed is None or not landed.batches:
                    continue
                manifest = manifest.with_batches(landed.batches)
                has_news = True
                yield landed
    if not has_news:
        yield LandedRead(mapping.source.name, mapping.read.entity, read.origin, note="nothing new")


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
    own_key = mapping.read.contract.own_key
    key = mapping.read.columns.get(own_key[0]) if len(own_key) == 1 else None
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


def _land_part(read: _PulledRead, manifest: Manifest, part: Part) -> LandedRead | None:
    """Land one part; None, or no batch, where that would leave everything as it is."""
    mapping = read.mapping
    file = replace(part.file, name=read.origin)
    content = fingerprint(file) if part.row_count else ""
    with connected(read.settings) as con:
        if part.holding is Holding.RECORDS and part.row_count:
            return land_file(
                con,
                read.settings,
                manifest,
                mapping,
                file,
                content=content,
                mapped=read.mapped,
                now=read.now,
                watermark=part.watermark,
                may_lack_columns=read.has_seen_records(manifest),
                says_anything=partial(read.says_anything, manifest),
            )
        stamp = read.stamp(manifest.newest_sequence + 1, content)
        written = NOTHING if part.holding is Holding.RECORDS else _delete(con, read, manifest, part, stamp)
        batch = written_batch(
            read.settings, mapping, written, stamp, content=content, mapped=read.mapped, watermark=part.watermark
        )
        batch = replace(batch, are_deletions=part.holding is not Holding.RECORDS)
        # A comparison of keys is noted even where nothing is gone, so that it is not made again before it is due.
        is_comparison = part.holding is Holding.ALL_KEYS and part.watermark is not None
        if not is_comparison and not read.says_anything(manifest, [batch]):
            return None
        probe = hash_probe(con)
        batches = [replace(batch, hash_probe=probe)]
        if mapping.read.links and written.stored:
            batches.append(replace(_delete_links(con, read, manifest, content), hash_probe=probe))
    write_entry(read.settings.paths.landing, batches)
    return LandedRead(mapping.source.name, mapping.read.entity, file.name, tuple(batches))


def _delete(con: duckdb.DuckDBPyConnection, read: _PulledRead, manifest: Manifest, part: Part, stamp: Stamp) -> Written:
    """Write the records that are gone as deleted rows."""
    mapping = read.mapping
    temporary = temporary_folder(read.settings.paths)
    with opened(
        con, part.file, mapping.read.form, wanted=mapping.wanted, place=mapping.place, temporary=temporary
    ) as records:
        fill_named_keys(con, records, mapping)
    entity, time_zone = mapping.read.contract, mapping.business.time_zone
    return write_deletions(
        con,
        entity,
        stamp,
        manifest,
        # Another read of the same entity lands other records, which are no less there for being no part of these.
        landed=[batch for batch in read.batches(manifest) if batch.source_file == read.origin and batch.path],
        are_all_keys=part.holding is Holding.ALL_KEYS,
        time_zone=time_zone,
        limit=read.pulled.gone_records_limit,
        place=mapping.place,
    )


def _delete_links(con: duckdb.DuckDBPyConnection, read: _PulledRead, manifest: Manifest, content: str) -> Batch:
    """Write what the customers in `deletions` said of other sources as deleted."""
    mapping = read.mapping
    no_links = ", ".join(f"null as {quote_identifier(f'link {linked}')}" for linked in mapping.read.links)
    stamp = read.stamp(manifest.newest_sequence + 2, content)
    written = write_batch(
        con,
        ENTITIES["customer_links"],
        stamp,
        manifest,
        relation=links_sql(mapping, f"select *, {no_links} from deletions"),
        time_zone=mapping.business.time_zone,
        position="place",
    )
    batch = written_batch(read.settings, mapping, written, stamp, content=content, mapped=read.mapped, watermark=None)
    return replace(batch, entity="customer_links", is_derived=True)
