"""A backup is a folder: the settings, the folders of data that cannot be made again, and a list of checksums.

What a run or a backfill makes again stays out, and so do keys, which the environment holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster_project import __version__
from dagster_project.atomic_files import PRIVATE_FILE, PRIVATE_FOLDER, private_folder, sha256_of
from dagster_project.errors import StrataError
from dagster_project.landing.erased import refuse_unfinished
from dagster_project.privacy.at_rest import at_rest
from dagster_project.settings import Settings
from dagster_project.settings.paths import Paths

# Everything else below data/ is saved: a folder that nobody thought of here is better saved than lost.
MADE_AGAIN = frozenset(
    {"warehouse", "published", "reports", "lists", "impact", "dagster", "dbt", "logs", "alerts", "inbox", "benchmarks"}
)
FILES = "files.json"
_LOCKS = frozenset({"landing.lock"})
_CHUNK = 1 << 20

Say = Callable[[str], None]


class BackupError(StrataError):
    """A backup cannot be made, is not whole, or would overwrite what is there."""


@dataclass(frozen=True)
class Saved:
    """A backup: its folder, when it was begun, how many files of how many bytes it holds."""

    folder: Path
    made_at: datetime
    files: int
    size: int


def back_up(settings: Settings, into: Path, *, now: datetime, say: Say) -> Saved:
    """Save the installation to a folder of its own below `into`, while nothing lands and nobody has the warehouse.

    Only the owner can read it: landing and identity hold personal data.

    Raises:
        LandingHeld, WarehouseHeld: another process is at work.
        ErasureUnfinished: an erasure was interrupted.
        BackupError: `into` lies below the data or the settings, or there is a backup of this second.
    """
    paths = settings.paths
    into = into.resolve()
    if any(into.is_relative_to(folder) for folder in (paths.data, paths.config)):
        raise BackupError(f"{into} lies within what is saved. Name a folder elsewhere, best on another machine's disk.")
    folder = into / f"strata-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    if folder.exists():
        raise BackupError(f"{folder} is there already.")
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with at_rest(settings, who="strata backup", now=now, say=say):
        refuse_unfinished(paths)
        into.mkdir(parents=True, exist_ok=True)
        private_folder(unfinished)
        files = {
            **_copied(paths.config, unfinished / "config", unfinished),
            **{
                name: entry
                for kept in _kept_folders(paths)
                for name, entry in _copied(kept, unfinished / "data" / kept.name, unfinished).items()
            },
        }
    document = {"made_at": now.astimezone(UTC).isoformat(), "version": __version__, "files": files}
    _write(unfinished / FILES, json.dumps(document, indent=1).encode())
    unfinished.rename(folder)
    return Saved(folder, now, len(files), sum(entry["bytes"] for entry in files.values()))


def restore(paths: Paths, backup: Path) -> Saved:
    """Put the data of a backup into an installation that has none yet, each file checked before the first is put.

    The settings are put only where the config folder is absent or empty.

    Raises:
        BackupError: the backup lacks a file or holds another one, or the installation is not empty.
    """
    document = _checked(backup)
    names = sorted(path.name for path in (backup / "data").glob("*"))
    there = [name for name in names if _holds_files(paths.data / name)]
    if there or paths.warehouse.exists():
        held = ", ".join(str(paths.data / name) for name in there) or str(paths.warehouse)
        raise BackupError(f"A backup is put into an empty installation, but there is {held}. Move it away first.")
    private = paths.data / ".restoring"
    shutil.rmtree(private, ignore_errors=True)
    private_folder(private)
    for name in names:
        _copied(backup / "data" / name, private / name, private)
    for name in names:
        shutil.rmtree(paths.data / name, ignore_errors=True)
        (private / name).rename(paths.data / name)
    private.rmdir()
    if not _holds_files(paths.config):
        _copied(backup / "config", paths.config, paths.config)
    files: dict[str, Any] = document["files"]
    made_at = datetime.fromisoformat(document["made_at"])
    return Saved(backup, made_at, len(files), sum(entry["bytes"] for entry in files.values()))


def has_other_settings(paths: Paths, backup: Path) -> bool:
    """Whether the settings of the backup are not those of the installation."""
    saved, there = _contents(backup / "config"), _contents(paths.config)
    return saved != there


def _kept_folders(paths: Paths) -> list[Path]:
    return sorted(
        path
        for path in paths.data.glob("*")
        if path.is_dir() and path.name not in MADE_AGAIN and not path.name.startswith(".")
    )


def _copied(source: Path, target: Path, root: Path) -> dict[str, dict[str, Any]]:
    """Copy a folder's files, private to the owner; gives size and checksum of each, by its path below `root`."""
    entries = {}
    for file in _files(source):
        copy = target / file.relative_to(source)
        for folder in reversed([copy.parent, *copy.parent.parents]):
            folder.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
        digest = hashlib.sha256()
        with file.open("rb") as reading, _opened_private(copy) as writing:
            while chunk := reading.read(_CHUNK):
                digest.update(chunk)
                writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
        os.utime(copy, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        entries[copy.relative_to(root).as_posix()] = {"bytes": copy.stat().st_size, "sha256": digest.hexdigest()}
    return entries


def _checked(backup: Path) -> dict[str, Any]:
    try:
        document = json.loads((backup / FILES).read_bytes())
        files: dict[str, dict[str, Any]] = document["files"]
    except FileNotFoundError:
        raise BackupError(f"{backup} is no backup: it has no {FILES}.") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{backup / FILES} cannot be read.") from None
    for name, entry in files.items():
        file = backup / name
        if not file.is_file() or file.stat().st_size != entry["bytes"] or sha256_of(file) != entry["sha256"]:
            raise BackupError(f"{file} is missing or is not what was saved. Nothing was restored; take another backup.")
    return dict(document)


def _files(folder: Path) -> Iterator[Path]:
    yield from (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name not in _LOCKS)


def _holds_files(folder: Path) -> bool:
    return any(True for _ in _files(folder))


def _contents(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): sha256_of(file) for file in _files(folder)}


def _opened_private(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "wb")


def _write(path: Path, content: bytes) -> None:
    with _opened_private(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
