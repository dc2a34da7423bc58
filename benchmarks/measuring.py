"""A process measured from outside: wall time and the most memory it held, as the operating system counts them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAST_WORDS = 4000  # characters shown of a process that failed


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds and peak memory in bytes of one process."""

    seconds: float
    peak_bytes: int


def measure(words: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a process to its end.

    Raises:
        RuntimeError: it failed; the message ends with what it printed last.
    """
    began = time.perf_counter()
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words[:3])} … failed:\n{printed[-LAST_WORDS:]}")
    return Measured(time.perf_counter() - began, usage.ru_maxrss * 1024)
