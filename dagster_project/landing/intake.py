"""Landing: every file that has not landed yet becomes batches, or stops the run with its reasons.

Says in which order things happen; reading is sources', pulling `pulled`, casting and checking `rows`, files `writing`,
records `batches`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import duckdb

from dagster_project.errors import SettingsError, full_disk_told
from dagster_project.landing.batches import LandedRead, LandingResult, Manifest, refuse_damaged, remove_orphans
from dagster_project.landing.committing import connected, land_file, mapping_fingerprint, temporary_folder
from dagster_project.landing.erased import read_erased, refuse_unfinished
from dagster_project.landing.lock import landing_lock
from dagster_project.landing.pulled import land_pulled
from dagster_project.landing.remote import land_remote
from dagster_project.landing.rows import Mapping
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths
from dagster_project.settings.sources import FileRead
from dagster_project.sources.files import SourceError, SourceFile, find_files, fingerprint, is_pattern
from dagster_project.sources.pulling import SourceUnavailable

Progress = Callable[[LandedRead], None]


def land(
    settings: Settings,
    *,
    now: datetime,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda _: None,
    sources: Sequence[str] | None = None,
) -> LandingResult:
    """Land every file of the settings' reads whose content has not landed with its mapping, and what systems that are
    pulled hold since their last pull. `now` is an aware time; `say` is told of records that are still coming.

    Each file, and each part of a pull, is committed on its own, so that what stops a later one leaves the earlier ones
    landed. A system that does not answer stops its own reads; the others land, and then it is told.

    Raises:
        LandingHeld: another process is landing.
        BadRowsLimitExceeded: a file or part has too many bad rows; they are in its quarantine file.
        SourceError: a file cannot be read as its mapping says, or a system refuses.
        SourceUnavailable: systems did not answer; all that the others hold has landed.
        SettingsError: `sources` names no source of the settings.
        DamagedBatch: a file of an earlier landing is gone or damaged.
        DiskFull: there is no room; what landed before stays landed.
    """
    known = [source.name for source in settings.sources.sources]
    for name in sources or ():
        if name not in known:
            raise SettingsError(f"There is no source {name!r} in sources.yaml; there are {', '.join(known)}.")
    reads: list[LandedRead] = []
    silent: dict[str, SourceUnavailable] = {}
    with landing(settings.paths, now=now) as manifest:
        for mapping in mappings(settings):
            name = mapping.source.name
            if name in silent or (sources is not None and name not in sources):
                continue
            try:
                for landed in _land_read(settings, manifest, mapping, now, say):
                    manifest = manifest.with_batches(landed.batches)
                    reads.append(landed)
                    if progress is not None:
                        progress(landed)
            except SourceUnavailable as error:
                silent[name] = error
                say(f"{name}: did not answer; the other sources are read meanwhile")
    if silent:
        raise SourceUnavailable("\n".join([*map(str, silent.values()), _what_landed(known, list(silent))]))
    return LandingResult(tuple(reads))


def mappings(settings: Settings) -> Iterator[Mapping]:
    """Every read of the settings, in order, with its place for messages."""
    hash_key = settings.environment.hash_key
    erased = read_erased(settings)
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
                erased=erased,
            )


def _what_landed(known: Sequence[str], silent: Sequence[str]) -> str:
    others = "What the other sources hold has landed. " if len(known) > len(silent) else ""
    return f"{others}The next landing goes on where this one ended: nothing has to be done again by hand."


@contextmanager
def landing(paths: Paths, *, now: datetime) -> Iterator[Manifest]:
    """The landing folder, held and cleared of orphans, and its manifest."""
    with landing_lock(paths.landing, now=now):
        refuse_unfinished(paths)
        temporary_folder(paths).mkdir(parents=True, exist_ok=True)
        temporary_folder(paths).chmod(0o700)
        manifest = Manifest.load(paths)
        refuse_damaged(manifest)
        remove_orphans(paths, manifest)
        with full_disk_told(OSError, duckdb.Error):
            yield manifest


def _land_read(
    settings: Settings, manifest: Manifest, mapping: Mapping, now: datetime, say: Callable[[str], None]
) -> Iterator[LandedRead]:
    if not isinstance(mapping.read, FileRead):
        yield from land_pulled(settings, manifest, mapping, now=now, say=say)
        return
    source, entity = mapping.source.name, mapping.read.entity
    mapped = mapping_fingerprint(mapping)

    def is_known(manifest: Manifest, name: str, content: str) -> bool:
        return has_landed(manifest, mapping, name, content, mapped)

    def land_one(manifest: Manifest, file: SourceFile, content: str) -> LandedRead:
        with connected(settings) as con:
            try:
                return land_file(con, settings, manifest, mapping, file, content=content, mapped=mapped, now=now)
            except (SourceError, duckdb.Error):
                # The engine names no culprit where it compares a file with what has landed.
                refuse_damaged(manifest, read_through=entity)
                raise

    has_files = False
    for file in find_files(settings.paths.data, mapping.read, place=mapping.place):
        has_files = True
        content = fingerprint(file)
        if is_known(manifest, file.name, content):
            yield LandedRead(source, entity, file.name, note="landed before")
            continue
        landed = land_one(manifest, file, content)
        manifest = manifest.with_batches(landed.batches)
        yield landed
    for landed in land_remote(settings, manifest, mapping, has_landed=is_known, land_one=land_one):
        has_files = True
        yield landed
    if not has_files:
        yield _no_files(settings, manifest, mapping)


def _no_files(settings: Settings, manifest: Manifest, mapping: Mapping) -> LandedRead:
    source, entity = mapping.source.name, mapping.read.entity
    patterns = mapping.read.place
    has_batches = any(batch.source == source and batch.entity == entity for batch in manifest.batches)
    if not is_pattern(patterns) and not has_batches:
        within = "" if "://" in patterns else f" in {settings.paths.data}"
        raise SourceError(f"{mapping.place}: there is no file {patterns}{within}. Put it there or mend path.")
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
