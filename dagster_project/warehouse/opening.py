"""One writer at a time: the only place that opens the warehouse file, or holds it while dbt, a child, opens it.

Who wants the file waits for who has it, says for whom, and gives up after a set time. Readers never come here:
they have the serving copy.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dagster_project.errors import StrataError, full_disk_told
from dagster_project.warehouse.schema_version import refuse_newer, refuse_other_version

Progress = Callable[[str], None]

POLL_SECONDS = 0.1
SAY_AGAIN_SECONDS = 30.0
DAMAGE = re.compile(
    r"not a valid DuckDB database file|Corrupt database file|while replaying WAL|Could not read enough bytes from file"
)
CONFLICTING_HOLDER = re.compile(r"Conflicting lock is held in (?P<command>.+?) \(PID (?P<pid>\d+)\)")


class WarehouseHeld(StrataError):
    """Another process kept the warehouse for longer than this one may wait."""


class WarehouseDamaged(StrataError):
    """The file is no whole DuckDB database."""


@dataclass(frozen=True)
class Holder:
    """The process that has the warehouse: its id, what it says it is doing, and since when (None: not known)."""

    pid: int | None
    doing: str
    since: datetime | None

    def __str__(self) -> str:
        process = "another process" if self.pid is None else f"process {self.pid}"
        since = "" if self.since is None else f", since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"{process} ({self.doing}{since})"


@dataclass(frozen=True)
class HeldWarehouse:
    """The warehouse while nobody else can have it: for a child process that opens it, or for `connection`."""

    path: Path
    wait_seconds: float
    memory_limit: str | None
    progress: Progress | None

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The file, open for writing, in UTC, created when missing; closed on leaving, whatever happened."""
        # A damaged block shows when it is read, not when the file is opened.
        with (
            _damage_told(self.path),
            _connect(self.path, wait_seconds=self.wait_seconds, progress=self.progress) as con,
        ):
            con.execute("set TimeZone = 'UTC'")
            if self.memory_limit is not None:
                con.execute("set memory_limit = $limit", {"limit": self.memory_limit})
            yield con


@contextmanager
def held(
    path: Path,
    *,
    who: str,
    wait_seconds: float,
    memory_limit: str | None = None,
    progress: Progress | None = None,
    any_version: bool = False,
) -> Iterator[HeldWarehouse]:
    """Hold the warehouse, without opening it: what is done inside is done by this process or its children alone.

    `who` is what others read while they wait. A process that dies lets go by itself: the lock is the kernel's.
    `memory_limit`, such as 4GB, is where DuckDB begins to spill to disk; None leaves its own, 80 % of the machine's.
    Only who can deal with `any_version` gets a warehouse that is older than this code, and nobody a newer one.

    Raises:
        WarehouseHeld: it was not free within `wait_seconds`.
        OtherVersion: it is of another version; it was not opened for writing.
        DiskFull: what is done inside finds no room.
    """
    _make_private(path.parent)
    waiting = _Waiting(path, wait_seconds=wait_seconds, progress=progress)
    with full_disk_told(OSError, duckdb.Error), _locked(_lock_file(path), who, waiting):
        if path.exists() and path.stat().st_size:
            with (
                _damage_told(path),
                _connect(path, wait_seconds=wait_seconds, progress=progress, read_only=True) as con,
            ):
                (refuse_newer if any_version else refuse_other_version)(con, path)
        warehouse = HeldWarehouse(path, wait_seconds=wait_seconds, memory_limit=memory_limit, progress=progress)
        # The lock is free at once when its holder is killed, the file only when the holder's dbt child is gone too
        # (a few milliseconds later), and a person with a DuckDB shell knows nothing of the lock.
        with warehouse.connection():
            pass
        yield warehouse


@contextmanager
def turn(path: Path, *, who: str, wait_seconds: float, progress: Progress | None = None) -> Iterator[None]:
    """The turn of a run: until it ends no other run works on the warehouse, nor between two steps of this one.

    Else a run would classify what another has staged and not yet linked, without its customers, and take the day for
    built. Inside it each step takes the warehouse by `held`, as do those who only look, between two steps.

    Raises:
        WarehouseHeld: another run had its turn for longer than `wait_seconds`.
    """
    _make_private(path.parent)
    waiting = _Waiting(path, wait_seconds=wait_seconds, progress=progress)
    with full_disk_told(OSError), _locked(path.with_name(path.name + ".turn"), who, waiting):
        yield


@contextmanager
def looked_at(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse that is there, of whatever version, to be read for a moment; nothing is changed or waited for.

    Raises:
        WarehouseHeld: somebody has it.
        duckdb.Error: it cannot be opened.
    """
    lock_file = _lock_file(path)
    # Without a lock file nobody has ever held it; with one, dbt must not find its file open in between.
    descriptor = os.open(lock_file, os.O_RDONLY | os.O_CLOEXEC) if lock_file.exists() else None
    try:
        if descriptor is not None and not _take(descriptor):
            raise WarehouseHeld(f"{path} is held by {_named_in(lock_file)}.")
        con = _connect(path, wait_seconds=0, progress=None, read_only=True)
        try:
            con.execute("set TimeZone = 'UTC'")
            yield con
        finally:
            con.close()
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def opened(
    path: Path, *, who: str, wait_seconds: float, progress: Progress | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Hold the warehouse and open it: `held` and its `connection` in one.

    Raises:
        WarehouseHeld: it was not free within `wait_seconds`.
        OtherVersion: it is of another version than this code's.
    """
    with (
        held(path, who=who, wait_seconds=wait_seconds, progress=progress) as warehouse,
        warehouse.connection() as con,
    ):
        yield con


def _connect(
    path: Path, *, wait_seconds: float, progress: Progress | None, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    waiting = _Waiting(path, wait_seconds=wait_seconds, progress=progress)
    while True:
        try:
            return duckdb.connect(path, read_only=read_only)
        except duckdb.IOException as error:
            conflict = CONFLICTING_HOLDER.search(str(error))
            if conflict is None:
                raise
            pid = int(conflict["pid"])
        waiting.once_more(lambda pid=pid: Holder(pid=pid, doing=_command(pid), since=None))  # type: ignore[misc]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        told = damaged(path, str(error))
        if told is None:
            raise
        raise told from None


def damaged(path: Path, said: str) -> WarehouseDamaged | None:
    """What to tell where an engine said this because the warehouse is damaged; None where it is anything else."""
    line = next((line.strip() for line in said.splitlines() if DAMAGE.search(line)), None)
    if line is None:
        return None
    return WarehouseDamaged(
        f"{path} is damaged ({line}). It is made of landing, identity, standards and assignments alone: move it away, "
        f"and {path.name}.wal with it, then start `strata run`, and `strata backfill --from DAY --to DAY` for the days "
        "to keep. What is published stays as it is until then."
    )


class _Waiting:
    """Sleeps a little, says for whom the first time and then rarely, and knows when to give up."""

    def __init__(self, path: Path, *, wait_seconds: float, progress: Progress | None) -> None:
        self._path = path
        self._deadline = time.monotonic() + wait_seconds
        self._wait_seconds = wait_seconds
        self._progress = progress
        self._say_at = 0.0

    def once_more(self, find_holder: Callable[[], Holder]) -> None:
        now = time.monotonic()
        if now >= self._deadline:
            raise WarehouseHeld(
                f"{self._path} is held by {find_holder()}; waited {self._wait_seconds:.0f} s. "
                "Let that process finish, or end it, then start again."
            )
        if self._progress is not None and now >= self._say_at:
            self._progress(f"waiting for the warehouse, held by {find_holder()}")
            self._say_at = now + SAY_AGAIN_SECONDS
        time.sleep(POLL_SECONDS)


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # the file holds the schema `personal`; DuckDB and dbt make theirs readable by all


def _lock_file(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


@contextmanager
def _locked(lock_file: Path, who: str, waiting: _Waiting) -> Iterator[None]:
    """Hold the lock file, with this process and what it does written into it."""
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _take(descriptor):
            waiting.once_more(lambda: _named_in(lock_file))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "doing": who}).encode(), 0)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _named_in(lock_file: Path) -> Holder:
    """Who wrote its name into the lock file; unknown in the instant between taking the lock and writing the name."""
    try:
        named = json.loads(lock_file.read_text())
        since = datetime.fromtimestamp(lock_file.stat().st_mtime, tz=UTC)
        return Holder(pid=int(named["pid"]), doing=str(named["doing"]), since=since)
    except (OSError, ValueError, KeyError):
        return Holder(pid=None, doing="not known yet", since=None)


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "command not known"
    return " ".join(word.decode(errors="replace") for word in words if word)[:120] or "command not known"
