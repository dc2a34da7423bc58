"""One file's rows become batches and one entry of the manifest, or are refused as a whole.

Which files and what order is `intake`'s and `pulled`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from dagster_project.atomic_files import sha256_of
from dagster_project.contract.contact_points import keyed_hash
from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import StrataError
from dagster_project.landing.batches import Batch, LandedRead, Manifest, write_entry
from dagster_project.landing.deletions import with_returned
from dagster_project.landing.rows import CheckedRows, Counts, Mapping, accepted_rows, check_rows, hold_rows
from dagster_project.landing.writing import (
    Stamp,
    Written,
    hash_probe,
    write_batch,
    write_orders_from_lines,
    write_quarantine,
    write_streamed,
)
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.settings.sources import PulledRead
from dagster_project.sources.files import SourceFile, opened
from dagster_project.sql_text import quote_identifier, quote_literal

# Counts up when the contract or a cast changes what a mapping gives, so that files are read again.
CONTRACT_VERSION = 2
TOP_REASONS = 5
# Rows of a CSV file are held until all have been checked: ten million took 3.0 GB, and 1.3 GB and 18 % more processor
# time within this limit, beyond which they are kept on disk.
MOST_BYTES = 2**30
# A pull brings what is new, often a few rows: one bad row of twenty is no sign that the mapping is wrong, most of them
# are.
PULLED_ROWS_JUDGED = 1_000
WRONG_MAPPING_ROWS = 5
WRONG_MAPPING_SHARE = 0.5


class BadRowsLimitExceeded(StrataError):
    """Too large a share of a file breaks the contract; nothing of it was landed."""


def temporary_folder(paths: Paths) -> Path:
    """Where files are unpacked and DuckDB spills; below landing, so that personal data stays within the data folder."""
    return paths.landing / "temporary"


@contextmanager
def connected(settings: Settings, temporary: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that keeps file order, thinks in UTC and spills below the landing folder, or elsewhere."""
    con = duckdb.connect(config={"temp_directory": str(temporary or temporary_folder(settings.paths))})
    try:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set memory_limit = $limit", {"limit": settings.environment.memory_limit})
        [(limit,)] = con.execute("select parse_formatted_bytes(current_setting('memory_limit'))").fetchall()
        con.execute("set memory_limit = $limit", {"limit": f"{min(limit, MOST_BYTES)}B"})
        con.execute("set preserve_insertion_order = true")
        yield con
    finally:
        con.close()


def mapping_fingerprint(mapping: Mapping) -> str:
    """SHA-256 of all that decides what a file's rows become; not of where the file lies or of limits."""
    business = mapping.business
    read = mapping.read.model_dump(mode="json", by_alias=True, exclude=set(mapping.read.origin_settings))
    parts = {
        "contract": CONTRACT_VERSION,
        "read": read,
        "time_zone": [mapping.source.time_zone, business.time_zone],
        "currency": [mapping.source.currency, business.currency],
        "country": business.default_country,
        "key": keyed_hash("", mapping.hash_key, kind="check")[:16] if mapping.hash_key and _hashes(mapping) else None,
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _hashes(mapping: Mapping) -> bool:
    """Whether the hash key decides what the rows become; a new key reads no other file again."""
    return mapping.read.entity == "customers" or any(column.hash for column in mapping.read.columns.values())


def land_file(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    manifest: Manifest,
    mapping: Mapping,
    file: SourceFile,
    *,
    content: str,
    mapped: str,
    now: datetime,
    watermark: str | None = None,
    may_lack_columns: bool = False,
    says_anything: Callable[[Sequence[Batch]], bool] = bool,
) -> LandedRead:
    """Land one file: check its rows, write its batches, commit them in one entry where they say anything."""
    temporary = temporary_folder(settings.paths)
    with opened(
        con, file, mapping.read.form, wanted=mapping.wanted, place=mapping.place, temporary=temporary
    ) as records:
        is_streamed = records.is_streamable and _may_be_streamed(mapping, manifest)
        checked = check_rows(
            con,
            records,
            mapping,
            file_name=file.name,
            is_streamed=is_streamed,
            may_lack_columns=may_lack_columns,
        )
        batches = commit(
            con,
            settings,
            manifest,
            checked,
            content=content,
            mapped=mapped,
            now=now,
            file_name=file.name,
            watermark=watermark,
            says_anything=says_anything,
        )
    return LandedRead(mapping.source.name, mapping.read.entity, file.name, tuple(batches))


def _may_be_streamed(mapping: Mapping, manifest: Manifest) -> bool:
    """Whether a row needs no other but those of its key: no other row of an order, no keyed hash, nothing that a system
    had deleted and may have again.
    """
    entity, spec = mapping.read.contract, mapping.read.columns.get("customer_ref")
    current = manifest.of(entity.name, mapping.source.name if "source" in entity.key else None)
    return (
        not entity.personal_columns
        and not mapping.erased
        and entity.name != "order_lines"
        and not (spec is not None and spec.hash)
        and not any(batch.are_deletions for batch in current)
    )


def commit(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    manifest: Manifest,
    checked: CheckedRows,
    *,
    content: str,
    mapped: str,
    now: datetime,
    file_name: str,
    replays: str | None = None,
    watermark: str | None = None,
    says_anything: Callable[[Sequence[Batch]], bool] = bool,
) -> list[Batch]:
    """Write checked rows as batches and their manifest entry.

    Raises:
        BadRowsLimitExceeded: too many rows are bad; only their quarantine is written.
    """
    mapping = checked.mapping
    entity = mapping.read.contract
    time_zone = mapping.business.time_zone
    first = manifest.newest_sequence + 1

    def stamp(offset: int) -> Stamp:
        return stamp_of(mapping, first + offset, content=content, mapped=mapped, file_name=file_name, now=now)

    streamed = None
    if checked.is_streamed:
        done = write_streamed(con, checked, stamp(0), manifest, time_zone=time_zone)
        if done is None:
            checked = hold_rows(con, checked)
        else:
            streamed, counts = done
    if streamed is None:
        counts = checked.counts(con)
    reasons = checked.reason_counts(con) if counts.rejected else {}
    quarantine = None
    if counts.rejected:
        quarantine = settings.paths.landing / "quarantine" / f"{stamp(0).batch_id}.parquet"
        write_quarantine(con, checked, stamp(0), quarantine)
    limit = settings.sources.bad_rows_limit(mapping.read)
    is_pulled = isinstance(mapping.read, PulledRead)
    if replays is None and _are_too_many_bad(counts, limit, is_pulled=is_pulled):
        if streamed is not None and streamed.path is not None:
            streamed.path.unlink()
        raise BadRowsLimitExceeded(_limit_message(mapping, file_name, counts, limit, reasons, quarantine))
    probe = hash_probe(con)
    accepted = with_returned(con, entity, stamp(0), manifest, relation=accepted_rows())

    def batch(written: Written, at: Stamp, entity_name: str, rows: Counts | None) -> Batch:
        told = written_batch(
            settings, mapping, written, at, content=content, mapped=mapped, watermark=watermark if rows else None
        )
        told = replace(told, entity=entity_name, replays=replays, decimal_mark=checked.decimal_mark, hash_probe=probe)
        if rows is None:
            return replace(told, is_derived=True)
        return replace(
            told,
            rows_read=rows.read,
            rejected=rows.rejected,
            excluded=rows.excluded,
            quarantine_path=_relative(settings.paths, quarantine),
            quarantine_sha256=sha256_of(quarantine) if quarantine else None,
            reasons=reasons,
        )

    if mapping.read.is_orders_from_lines:
        stamps = (stamp(0), stamp(1))
        lines, orders = write_orders_from_lines(con, stamps, manifest, relation=accepted, time_zone=time_zone)
        batches = [batch(lines, stamps[0], entity.name, counts), batch(orders, stamps[1], "orders", None)]
    else:
        written = streamed or write_batch(con, entity, stamp(0), manifest, relation=accepted, time_zone=time_zone)
        batches = [batch(written, stamp(0), entity.name, counts)]
        if mapping.read.links:
            links = write_batch(
                con,
                ENTITIES["customer_links"],
                stamp(1),
                manifest,
                relation=links_sql(mapping, accepted),
                time_zone=time_zone,
                position="place",
            )
            batches.append(batch(links, stamp(1), "customer_links", None))
    if not says_anything(batches):
        if quarantine is not None:
            quarantine.unlink()
        return []
    write_entry(settings.paths.landing, batches)
    return batches


def written_batch(
    settings: Settings,
    mapping: Mapping,
    written: Written,
    stamp: Stamp,
    *,
    content: str,
    mapped: str,
    watermark: str | None,
) -> Batch:
    """What was written as a batch of which every row read was accepted."""
    return Batch(
        batch_id=stamp.batch_id,
        sequence=stamp.sequence,
        source=stamp.source,
        entity=mapping.read.entity,
        source_file=stamp.source_file,
        content_fingerprint=content,
        mapping_fingerprint=mapped,
        read_number=mapping.read_number,
        rows_read=written.accepted,
        accepted=written.accepted,
        new=written.new,
        changed=written.changed,
        unchanged=written.unchanged,
        rejected=0,
        excluded=0,
        first_event_on=written.first_event_on,
        last_event_on=written.last_event_on,
        earliest_changed_on=written.earliest_changed_on,
        landed_at=stamp.landed_at,
        path=_relative(settings.paths, written.path),
        personal_path=_relative(settings.paths, written.personal_path),
        path_sha256=sha256_of(written.path) if written.path else None,
        personal_sha256=sha256_of(written.personal_path) if written.personal_path else None,
        watermark=watermark,
        is_pulled=isinstance(mapping.read, PulledRead),
    )


def stamp_of(mapping: Mapping, sequence: int, *, content: str, mapped: str, file_name: str, now: datetime) -> Stamp:
    """The stamp of the batch that gets this place in the sequence."""
    parts = (mapping.source.name, mapping.read.entity, mapping.read_number, content, mapped, sequence)
    batch_id = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return Stamp(batch_id, sequence, mapping.source.name, file_name, now)


def links_sql(mapping: Mapping, accepted: str) -> str:
    """One row a customer and linked source; a link that is gone is a deleted row."""
    parts = []
    for number, linked in enumerate(mapping.read.links):
        ref = f"nullif(trim(cast({quote_identifier(f'link {linked}')} as varchar)), '')"
        parts.append(
            f"select customer_ref, {quote_literal(linked)} as linked_source, {ref} as linked_ref, "
            f"is_deleted or {ref} is null as is_deleted, row_number, "
            f"row_number * {len(mapping.read.links)} + {number} as place from ({accepted})"
        )
    return " union all ".join(parts)


def _are_too_many_bad(counts: Counts, limit: float, *, is_pulled: bool) -> bool:
    """Whether so many rows are bad that nothing of a file, or of a part of a pull, may land."""
    if not is_pulled:
        return counts.bad_share() > limit
    is_wrong = counts.rejected - counts.excluded >= WRONG_MAPPING_ROWS and counts.bad_share() > WRONG_MAPPING_SHARE
    return counts.bad_share(of_at_least=PULLED_ROWS_JUDGED) > limit or (is_wrong and counts.bad_share() > limit)


def _relative(paths: Paths, path: Path | None) -> str | None:
    return str(path.relative_to(paths.landing)) if path is not None else None


def _limit_message(
    mapping: Mapping, file_name: str, counts: Counts, limit: float, reasons: dict[str, int], quarantine: Path | None
) -> str:
    top = "; ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:TOP_REASONS])
    cure = (
        "Nothing of them was landed, and the next run pulls them again: mend the mapping or the records"
        if isinstance(mapping.read, PulledRead)
        else "Nothing of the file was landed: mend the mapping or the file"
    )
    return (
        f"{file_name}, source {mapping.source.name}, entity {mapping.read.entity}: "
        f"{counts.rejected - counts.excluded} of {counts.read - counts.excluded} rows ({counts.bad_share():.2%}) "
        f"are bad, more than the limit of {limit:.2%}. "
        f"Most common: {top}. All are in {quarantine}. {cure}, or set bad_rows_limit at {mapping.place}."
    )
