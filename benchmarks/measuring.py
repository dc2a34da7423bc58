"""A process measured from outside: wall time, processor time, and the most memory it and its children held at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAST_WORDS = 4000  # characters shown of a process that failed
SAMPLED_EVERY = 0.05  # seconds; a walk over a few children costs 0.1 ms of processor time
OUT_OF_MEMORY = ("MemoryError", "Out of Memory Error", "OutOfMemoryException", "Unable to allocate")


@dataclass(frozen=True)
class Measured:
    """Wall time and processor time in seconds, and peak memory in bytes, of one process with its children.

    Processor time counts every child that was waited for. Memory is what the operating system calls resident: the
    largest sum over process and children at one moment, looked at 20 times a second (a shared page counts once a
    process), and never less than the high-water mark of any one of them at the last look. What `os.wait4` gives would
    be simpler, and wrong: a child begins with the mark of the process that started it.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Unfinished:
    """A process that did not come to its end: running out of memory or of time is a result, too.

    `told` is the line that it ended with, where it printed one.
    """

    reason: str
    told: str = ""


class DidNotFinish(RuntimeError):
    """A measured process ran out of memory or of the time that it was given; `told` is its own word of that."""

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(reason)
        self.told = told


def measure(
    words: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    most_bytes: int | None = None,
    most_seconds: float | None = None,
    folder: Path | None = None,
) -> Measured:
    """Run a process to its end, in `folder` where that is given.

    Raises:
        DidNotFinish: it ran out of memory, held more than `most_bytes` or took longer than `most_seconds`.
        RuntimeError: it failed; the message ends with what it printed last.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    watch = _Watch(process.pid, most_bytes, None if most_seconds is None else began + most_seconds)
    with watch:
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if watch.stopped_because is not None:
        raise DidNotFinish(watch.stopped_because)
    told = _lines_on_memory(printed)
    if process.returncode == -signal.SIGKILL or (process.returncode and told):
        raise DidNotFinish("out of memory", " ".join(told[:1]))
    if process.returncode:
        raise RuntimeError(f"{' '.join(words[:3])} … failed:\n{printed[-LAST_WORDS:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, watch.peak_bytes)


def _lines_on_memory(printed: str) -> list[str]:
    """What a process printed last of memory that it could not get, each line with what it says that of."""
    lines = printed[-LAST_WORDS:].splitlines()
    return [
        " ".join(line.strip() for line in lines[max(number - 1, 0) : number + 1])
        for number, line in enumerate(lines)
        if any(word in line for word in OUT_OF_MEMORY)
    ]


def attempt(run: Callable[[], Measured]) -> Measured | Unfinished:
    """What was measured, or why it did not finish."""
    try:
        return run()
    except DidNotFinish as error:
        return Unfinished(str(error), error.told)


def fastest(times: int, run: Callable[[], Measured]) -> Measured:
    """The run of `times` that took the least wall time: what else a machine does only ever adds."""
    return min((run() for _ in range(times)), key=lambda each: each.seconds)


class _Watch:
    """Looks at a process and its children until it is left; stops them all above a limit."""

    def __init__(self, pid: int, most_bytes: int | None, until: float | None) -> None:
        self.peak_bytes = 0
        self.stopped_because: str | None = None
        self._pid = pid
        self._most_bytes = most_bytes
        self._until = until
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(SAMPLED_EVERY):
            looked_at = [_resident(pid) for pid in family(self._pid)]
            held = sum(now for now, _ in looked_at)
            self.peak_bytes = max(self.peak_bytes, held, *(highest for _, highest in looked_at))
            if self._most_bytes is not None and held > self._most_bytes:
                self._stop(f"out of memory: more than {self._most_bytes / 2**30:.0f} GiB")
            elif self._until is not None and time.perf_counter() > self._until:
                self._stop("took too long")

    def _stop(self, reason: str) -> None:
        self.stopped_because = self.stopped_because or reason
        for pid in family(self._pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def family(pid: int) -> Iterator[int]:
    """A process and all its descendants that are alive."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield from family(int(child))


def _resident(pid: int) -> tuple[int, int]:
    """Resident bytes of a process now and at most so far; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    told = dict(line.split(":", 1) for line in lines)
    now, highest = (int(told.get(name, "0 kB").split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, highest
