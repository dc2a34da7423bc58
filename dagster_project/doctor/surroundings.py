"""What an installation stands on: secrets in the environment, folders, disk and memory."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from dagster_project.doctor.findings import Finding, fine, warning, wrong
from dagster_project.errors import some
from dagster_project.identity import missing_key_note
from dagster_project.settings import Settings
from dagster_project.settings.environment import secret_variable
from dagster_project.settings.paths import Paths

NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "ceph", "glusterfs", "lustre"}
)
# A rebuild needs as much as the warehouse beside it, and the serving copy is written beside the old one.
DISK_TIMES_WAREHOUSE = 2
LEAST_DISK_BYTES = 1 << 30
SECRETS_OF_KIND = {
    "database": ("url",),
    "zoho_crm": ("client_id", "client_secret", "refresh_token"),
    "fxiaoke": ("app_id", "app_secret", "permanent_code"),
}


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Every secret that the settings need."""
    secrets, publishing = settings.environment.secrets, settings.publishing
    accounts = {account.name: account.kind for account in (*settings.sources.sources, *publishing.enabled_crm)}
    missing = [
        secret_variable(name, secret)
        for name, kind in accounts.items()
        for secret in SECRETS_OF_KIND.get(kind, ())
        if secrets.find(name, secret) is None
    ]
    missing += [each.variable for each in publishing.alerts.targets if each.variable not in secrets.variables]
    if settings.environment.postgres_url is None and (publishing.postgres.enabled or publishing.lists.postgres.enabled):
        missing.append("STRATA_POSTGRES_URL")
    if missing:
        yield wrong(
            "secrets",
            f"{some(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            "set it in the environment of every process; sources.yaml and publishing.yaml say what it is for",
        )
    else:
        yield fine("secrets", "all that the settings need are set")
    if note := missing_key_note(settings):
        yield warning("hash key", note.partition(". ")[0], "set STRATA_HASH_KEY to a long secret text, and keep it")


def check_folders(paths: Paths) -> Iterator[Finding]:
    """The data folder: there, writable, on a disk where locks work, and private where people are named."""
    if not paths.data.is_dir():
        yield wrong("data folder", f"{paths.data} is not there", "set STRATA_DATA to the right folder, or `strata run`")
        return
    shut = [str(folder) for folder in _own_folders(paths) if not os.access(folder, os.R_OK | os.W_OK | os.X_OK)]
    if shut:
        yield wrong(
            "data folder", f"{some(shut)} cannot be written to", "run as the user that owns it, or mend its rights"
        )
    else:
        yield fine("data folder", f"{paths.data} is writable")
    kind = _file_system(paths.data)
    if kind in NETWORKED:
        yield warning("file system", f"{paths.data} lies on {kind}, a network share", "put the folder on a local disk")
    elif not _locks_work(paths.data):
        yield wrong("file system", f"{paths.data} does not lock files", "put the folder on a local disk")
    else:
        yield fine("file system", f"{kind or 'local'}, files can be locked")
    open_to_others = [str(path.relative_to(paths.data)) for path in _private(paths) if _is_open(path)]
    if open_to_others:
        folders = "chmod -R go-rwx of each in the data folder"
        yield wrong("private files", f"others may read {some(open_to_others)}", folders)
    else:
        yield fine("private files", "only their owner reads what names people")


def check_room(paths: Paths, memory_limit: str) -> Iterator[Finding]:
    """Free disk against the size of the warehouse, and the limit on memory."""
    if not paths.data.is_dir():
        return
    size = paths.warehouse.stat().st_size if paths.warehouse.exists() else 0
    free = shutil.disk_usage(paths.data).free
    needed = max(LEAST_DISK_BYTES, DISK_TIMES_WAREHOUSE * size)
    says = f"{_gigabytes(free)} free, the warehouse has {_gigabytes(size)}"
    if free < needed:
        cure = f"keep {_gigabytes(needed)} free: fewer daily days (snapshots.keep_daily_days), or a larger disk"
        yield (wrong if free < max(size, LEAST_DISK_BYTES // 4) else warning)("disk", says, cure)
    else:
        yield fine("disk", says)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    share = _share_of(memory_limit, memory)
    says = f"DuckDB takes up to {memory_limit} of {_gigabytes(memory)}"
    if share > 0.8:
        cure = "set STRATA_MEMORY_LIMIT lower; Python and dbt need 0.5 GB besides"
        yield warning("memory", says, cure)
    else:
        yield fine("memory", says)


def _own_folders(paths: Paths) -> list[Path]:
    return [paths.data, *(folder for folder in sorted(paths.data.iterdir()) if folder.is_dir())]


def _private(paths: Paths) -> Iterator[Path]:
    """What names people: whole folders, and in landing the files of two."""
    for folder in (paths.warehouse.parent, paths.assignments, paths.audit, paths.erasures, paths.lists):
        if folder.is_dir():
            yield folder
    yield from sorted(paths.landing.glob("personal/*/*.parquet"))
    yield from sorted(paths.landing.glob("quarantine/*.parquet"))


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _file_system(folder: Path) -> str:
    """The kind of file system by the mount that holds the folder; empty where the system does not tell."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    found = ("", "")
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, kind, *_ = line.split()
        point = place.replace("\\040", " ")
        if folder.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def _locks_work(folder: Path) -> bool:
    """Whether a folder can be locked twice through two handles: it must not."""
    first, second = os.open(folder, os.O_RDONLY), os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(first, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
    except OSError:
        return False
    finally:
        os.close(first)
        os.close(second)


def _share_of(limit: str, memory: int) -> float:
    number = float("".join(each for each in limit if each.isdigit() or each == "."))
    if limit.endswith("%"):
        return number / 100
    units = {"K": 1, "M": 2, "G": 3, "T": 4}
    unit = next(each for each in limit.upper() if each.isalpha())
    base = 1024 if "I" in limit.upper() else 1000
    return float(number * base ** units[unit] / memory)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
