"""What has landed, and what else cannot be made again: the manifest and its files, numbers, entries, standards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from dagster_project.atomic_files import sha256_of
from dagster_project.clustering.register import read_fits
from dagster_project.doctor.findings import Finding, fine, first_line, warning, wrong
from dagster_project.errors import StrataError, some
from dagster_project.identity.registry import read_registry
from dagster_project.landing import Manifest, strangers
from dagster_project.landing.erased import read_log
from dagster_project.privacy.plan import read_plan
from dagster_project.publishing.assignments import read_listings
from dagster_project.settings import Settings
from dagster_project.warehouse.standard_register import read_standards

RESTORE = "restore it from a backup of the data folder"
# A source that lands daily misses a week-end and a holiday; a week of silence is worth a look.
SILENT_AFTER = timedelta(days=7)


def check_landing(settings: Settings, *, now: datetime, is_thorough: bool) -> Iterator[Finding]:
    """The manifest and every file that it names; with `is_thorough` their checksums. Files that it does not name."""
    try:
        manifest = Manifest.load(settings.paths)
    except StrataError as error:
        yield wrong("manifest", str(error), RESTORE)
        return
    if not manifest.batches:
        yield warning("manifest", "nothing has landed yet", "`strata run`")
        return
    yield fine("manifest", f"{len(manifest.batches):,} batches, the newest is number {manifest.newest_sequence:,}")
    named = {
        manifest.absolute(path): checksum
        for batch in manifest.batches
        for path, checksum in (
            (batch.path, batch.path_sha256),
            (batch.personal_path, batch.personal_sha256),
            (batch.quarantine_path, batch.quarantine_sha256),
        )
        if path
    }
    missing = [path for path in named if not path.is_file()]
    if missing:
        yield wrong("landed files", f"missing: {_shown(settings, missing)}", RESTORE)
    if is_thorough:
        changed = [path for path, sha256 in named.items() if path.is_file() and sha256 and sha256_of(path) != sha256]
    else:
        changed = [path for path in named if path.is_file() and not _is_parquet(path)]
    if changed:
        yield wrong("landed files", f"changed since they landed: {_shown(settings, changed)}", RESTORE)
    if not missing and not changed:
        how = "by checksum" if is_thorough else "there and readable; --thorough compares checksums"
        yield fine("landed files", f"{len(named):,} files, {how}")
    known = set(named)
    folders = ("batches/*/*", "personal/*/*", "quarantine/*", "manifest/*.unfinished", "temporary/*")
    unknown = [path for folder in folders for path in settings.paths.landing.glob(folder) if path not in known]
    if unknown:
        yield warning(
            "unknown files",
            f"no entry names {_shown(settings, unknown)}: left by a landing that was killed",
            "the next landing removes them",
        )
    yield from _check_sources(settings, manifest, now)


def check_kept(settings: Settings) -> Iterator[Finding]:
    """What else cannot be made again can be read: registry, assignments, standards, clusters, erasures."""
    paths = settings.paths
    readers: dict[str, Callable[[], int]] = {
        "identity": lambda: read_registry(paths.registry).num_rows,
        "assignments": lambda: read_listings(paths).num_rows,
        "standards": lambda: len(read_standards(paths.standards)),
        "clusters": lambda: len(read_fits(paths.clusters)),
        "erasures": lambda: len(read_log(paths)),
    }
    for name, read in readers.items():
        try:
            count = read()
        except Exception as error:
            yield wrong(name, f"data/{name} cannot be read: {first_line(error)}", RESTORE)
        else:
            if count or name in {"identity", "standards"}:
                yield fine(name, f"{count:,} {'row' if count == 1 else 'rows'}")
    try:
        interrupted = read_plan(paths) is not None
    except StrataError as error:
        yield wrong("erasure", first_line(error), "restore data/erasures from a backup, then `strata forget --resume`")
        return
    if interrupted:
        yield wrong("erasure", "an erasure was interrupted: people are half erased", "`strata forget --resume`")


def _check_sources(settings: Settings, manifest: Manifest, now: datetime) -> Iterator[Finding]:
    silent = []
    for source in settings.sources.sources:
        landed = [batch.landed_at for batch in manifest.batches if batch.source == source.name]
        if not landed:
            silent.append(f"{source.name} (never)")
        elif now - max(landed) > SILENT_AFTER:
            silent.append(f"{source.name} (last on {max(landed):%Y-%m-%d})")
    if silent and not settings.sources.business.sample:
        yield warning(
            "sources", f"nothing landed for a week from {some(silent)}", "look where it comes from; `strata check`"
        )
    else:
        yield fine("sources", f"each of {len(settings.sources.sources)} has landed within a week")
    if others := strangers(settings):
        yield warning(
            "sources", f"sources.yaml no longer names {some(others)}, whose rows count", "name it again, or begin anew"
        )


def _is_parquet(path: Path) -> bool:
    """Whether the file begins and ends as one, and its footer can be read."""
    try:
        pq.ParquetFile(path).close()
    except Exception:
        return False
    return True


def _shown(settings: Settings, files: list[Path]) -> str:
    return some([str(file.relative_to(settings.paths.data)) for file in sorted(files)])
