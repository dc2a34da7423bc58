"""Landing: every file that has not landed yet becomes batches, or stops the run with its reasons.

Says in which order things happen; reading is sources', casting and checking `rows`, files `writing`, records `batches`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from dagster_project.contract.contact_points import keyed_hash
from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import SettingsError, StrataError
from dagster_project.landing.batches import (
    Batch,
    LandedRead,
    LandingResult,
    Manifest,
    remove_orphans,
    write_entry,
)
from dagster_project.landing.lock import landing_lock
from dagster_project.landing.rows import CheckedRows, Counts, Mapping, check_rows
from dagster_project.landing.writing import (
    Stamp,
    Written,
    hash_probe,
    sha256_of,
    write_batch,
    write_orders_from_lines,
    write_quarantine,
    write_streamed,
)
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.sources.files import SourceError, SourceFile, find_files, fingerprint, opened
from dagster_project.sql_text import quote_identifier, quote_literal

# Counts up when the contract or a cast changes what a mapping gives, so that files are read again.
CONTRACT_VERSION = 1
TOP_REASONS = 5
Progress = Callable[[LandedRead], None]


class BadRowsLimitExceeded(StrataError):
    """Too large a share of a file breaks the contract; nothing of it was landed."""


def land(
    settings: Settings,
    *,
    now: datetime,
    progress: Progress | None = None,
    sources: Sequence[str] | None = None,
) -> LandingResult:
    """Land every file of the settings' reads whose content has not landed with its mapping; `now` is an aware time.

    Each file is committed on its own, so that what stops a later one leaves the earlier ones landed.

    Raises:
        LandingHeld: another process is landing.
        BadRowsLimitExceeded: a file has too many bad rows; they are in its quarantine file.
        SourceError: a file cannot be read as its mapping says.
        SettingsError: `sources` names no source of the settings.
    """
    known = [source.name for source in settings.sources.sources]
    for name in sources or ():
        if name not in known:
            raise SettingsError(f"There is no source {name!r} in sources.yaml; there are {', '.join(known)}.")
    reads: list[LandedRead] = []
    with landing(settings.paths, now=now) as manifest:
        for mapping in mappings(settings):
            if sources is not None and mapping.source.name not in sources:
                continue
            for landed in _land_read(settings, manifest, mapping, now):
                manifest = manifest.with_batches(landed.batches)
                reads.append(landed)
                if progress is not None:
                    progress(landed)
    return LandingResult(tuple(reads))


def mappings(settings: Settings) -> Iterator[Mapping]:
    """Every read of the settings, in order, with its place for messages."""
    hash_key = settings.environment.hash_key
    for source in settings.sources.sources:
        numbers: dict[str, int] = {}
        for read in source.reads:
            numbers[read.entity] = numbers.get(read.entity, 0) + 1
            ordinal = f" {numbers[read.entity]}" if sum(each.entity == read.entity for each in source.reads) > 1 else ""
            yield Mapping(
                source=source,
                read=read,
                read_number=numbers[read.entity],
                business=settings.sources.business,
                hash_key=hash_key.get_secret_value() if hash_key is not None else None,
                place=f"sources.yaml, source {source.name}, read {read.entity}{ordinal}",
            )


@contextmanager
def landing(paths: Paths, *, now: datetime) -> Iterator[Manifest]:
    """The landing folder, held and cleared of orphans, and its manifest."""
    with landing_lock(paths.landing, now=now):
        temporary_folder(paths).mkdir(parents=True, exist_ok=True)
        temporary_folder(paths).chmod(0o700)
        manifest = Manifest.load(paths)
        remove_orphans(paths, manifest)
        yield manifest


def temporary_folder(paths: Paths) -> Path:
    """Where files are unpacked and DuckDB spills; below landing, so that personal data stays within the data folder."""
    return paths.landing / "temporary"


@contextmanager
def connected(paths: Paths) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory DuckDB that keeps file order, thinks in UTC and spills below the landing folder."""
    con = duckdb.connect(config={"temp_directory": str(temporary_folder(paths))})
    try:
        con.execute("set TimeZone = 'UTC'")
        con.execute("set preserve_insertion_order = true")
        yield con
    finally:
        con.close()


def mapping_fingerprint(mapping: Mapping) -> str:
    """SHA-256 of all that decides what a file's rows become; not of where the file lies or of limits."""
    business = mapping.business
    read = mapping.read.model_dump(mode="json", by_alias=True, exclude={"path", "bad_rows_limit"})
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


def _land_read(settings: Settings, manifest: Manifest, mapping: Mapping, now: datetime) -> Iterator[LandedRead]:
    source, entity = mapping.source.name, mapping.read.entity
    files = find_files(settings.paths.data, mapping.read, place=mapping.place)
    if not files:
        yield _no_files(settings, manifest, mapping)
    mapped = mapping_fingerprint(mapping)
    for file in files:
        content = fingerprint(file)
        if has_landed(manifest, mapping, file.name, content, mapped):
            yield LandedRead(source, entity, file.name, note="landed before")
            continue
        with connected(settings.paths) as con:
            landed = land_file(con, settings, manifest, mapping, file, content=content, mapped=mapped, now=now)
        manifest = manifest.with_batches(landed.batches)
        yield landed


def _no_files(settings: Settings, manifest: Manifest, mapping: Mapping) -> LandedRead:
    source, entity = mapping.source.name, mapping.read.entity
    patterns = ", ".join(mapping.read.path)
    is_plain = not any(mark in patterns for mark in "*?[")
    if is_plain and not any(batch.source == source and batch.entity == entity for batch in manifest.batches):
        raise SourceError(
            f"{mapping.place}: there is no file {patterns} in {settings.paths.data}. Put it there or mend path."
        )
    return LandedRead(source, entity, patterns, note="no file matches")


def has_landed(manifest: Manifest, mapping: Mapping, file_name: str, content: str, mapped: str) -> bool:
    """Whether this content landed with this mapping, and the same path has not held another content since."""
    landed = [
        batch
        for batch in manifest.batches
        if batch.source == mapping.source.name
        and batch.entity == mapping.read.entity
        and batch.replays is None
        and batch.mapping_fingerprint == mapped
    ]
    here = [batch for batch in landed if batch.source_file == file_name]
    if any(batch.content_fingerprint == content for batch in here):
        return here[-1].content_fingerprint == content
    return any(batch.content_fingerprint == content for batch in landed)


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
) -> LandedRead:
    """Land one file: check its rows, write its batches, commit them in one entry."""
    temporary = temporary_folder(settings.paths)
    with opened(con, file, mapping.read, wanted=mapping.wanted, place=mapping.place, temporary=temporary) as records:
        is_streamed = records.is_streamable and _is_judged_alone(mapping, manifest)
        checked = check_rows(con, records, mapping, file_name=file.name, is_streamed=is_streamed)
        batches = commit(con, settings, manifest, checked, content=content, mapped=mapped, now=now, file_name=file.name)
    return LandedRead(mapping.source.name, mapping.read.entity, file.name, tuple(batches))


def _is_judged_alone(mapping: Mapping, manifest: Manifest) -> bool:
    """Whether rows need nothing but themselves: no earlier batch, no other row of an order, no keyed hash."""
    entity, spec = mapping.read.contract, mapping.read.columns.get("customer_ref")
    return (
        not entity.personal_columns
        and entity.name != "order_lines"
        and not (spec is not None and spec.hash)
        and not manifest.of(entity.name, mapping.source.name if "source" in entity.key else None)
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
        parts = (mapping.source.name, entity.name, mapping.read_number, content, mapped, first + offset)
        batch_id = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
        return Stamp(batch_id, first + offset, mapping.source.name, file_name, now)

    streamed = None
    if checked.is_streamed:
        streamed, counts = write_streamed(con, checked, stamp(0), manifest, time_zone=time_zone)
    else:
        counts = checked.counts(con)
    reasons = checked.reason_counts(con) if counts.rejected else {}
    quarantine = None
    if counts.rejected:
        quarantine = settings.paths.landing / "quarantine" / f"{stamp(0).batch_id}.parquet"
        write_quarantine(con, checked, stamp(0), quarantine)
    limit = settings.sources.bad_rows_limit(mapping.read)
    if replays is None and counts.bad_share > limit:
        if streamed is not None and streamed.path is not None:
            streamed.path.unlink()
        raise BadRowsLimitExceeded(_limit_message(mapping, file_name, counts, limit, reasons, quarantine))
    probe = hash_probe(con)
    accepted = "select * exclude (reasons, is_excluded) from rows where reasons is null"

    def batch(written: Written, at: Stamp, entity_name: str, rows: Counts | None) -> Batch:
        return Batch(
            batch_id=at.batch_id,
            sequence=at.sequence,
            source=at.source,
            entity=entity_name,
            source_file=file_name,
            content_fingerprint=content,
            mapping_fingerprint=mapped,
            read_number=mapping.read_number,
            rows_read=rows.read if rows else written.accepted,
            accepted=written.accepted,
            new=written.new,
            changed=written.changed,
            unchanged=written.unchanged,
            rejected=rows.rejected if rows else 0,
            excluded=rows.excluded if rows else 0,
            first_event_on=written.first_event_on,
            last_event_on=written.last_event_on,
            earliest_changed_on=written.earliest_changed_on,
            landed_at=now,
            path=_relative(settings.paths, written.path),
            personal_path=_relative(settings.paths, written.personal_path),
            quarantine_path=_relative(settings.paths, quarantine) if rows else None,
            path_sha256=sha256_of(written.path) if written.path else None,
            personal_sha256=sha256_of(written.personal_path) if written.personal_path else None,
            quarantine_sha256=sha256_of(quarantine) if rows and quarantine else None,
            is_derived=rows is None,
            replays=replays,
            decimal_mark=checked.decimal_mark,
            hash_probe=probe,
            reasons=reasons if rows else {},
        )

    if mapping.read.is_orders_from_lines:
        stamps = (stamp(0), stamp(1))
        lines, orders = write_orders_from_lines(con, stamps, manifest, relation=accepted, time_zone=time_zone)
        batches = [batch(lines, stamps[0], entity.name, counts), batch(orders, stamps[1], "orders", None)]
    else:
        written = streamed or write_batch(con, entity, stamp(0), manifest, relation=accepted, time_zone=time_zone)
        written = replace(written, earliest_changed_on=_changed_since(written, entity.is_versioned, now, time_zone))
        batches = [batch(written, stamp(0), entity.name, counts)]
        if mapping.read.links:
            links = write_batch(
                con,
                ENTITIES["customer_links"],
                stamp(1),
                manifest,
                relation=_links_sql(mapping, accepted),
                time_zone=time_zone,
                position="place",
            )
            batches.append(batch(links, stamp(1), "customer_links", None))
    write_entry(settings.paths.landing, batches)
    return batches


def _changed_since(written: Written, is_versioned: bool, now: datetime, time_zone: str) -> date | None:
    """A version that says no day of its own holds from the day on which it landed."""
    if written.earliest_changed_on is None and is_versioned and written.new + written.changed:
        return now.astimezone(ZoneInfo(time_zone)).date()
    return written.earliest_changed_on


def _links_sql(mapping: Mapping, accepted: str) -> str:
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


def _relative(paths: Paths, path: Path | None) -> str | None:
    return str(path.relative_to(paths.landing)) if path is not None else None


def _limit_message(
    mapping: Mapping, file_name: str, counts: Counts, limit: float, reasons: dict[str, int], quarantine: Path | None
) -> str:
    top = "; ".join(f"{reason} ({count})" for reason, count in list(reasons.items())[:TOP_REASONS])
    return (
        f"{file_name}, source {mapping.source.name}, entity {mapping.read.entity}: "
        f"{counts.rejected - counts.excluded} of {counts.read - counts.excluded} rows ({counts.bad_share:.2%}) "
        f"are bad, more than the limit of {limit:.2%}. "
        f"Most common: {top}. All are in {quarantine}. Nothing of the file was landed: mend the mapping or the file, "
        f"or set bad_rows_limit at {mapping.place}."
    )
