"""Which process does a run, written so that it can be asked later whether that process still lives.

A process id alone is used again by others; with the moment the process began and the boot of the machine it is not.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PID_TAG = "strata/pid"
BEGAN_TAG = "strata/process_began"
BOOT_TAG = "strata/boot_id"


@dataclass(frozen=True)
class ProcessMark:
    """A process: its id, when it began (clock ticks after boot, or the date `ps` prints), and the boot it lives in."""

    pid: int
    began: str
    boot_id: str

    def tags(self) -> dict[str, str]:
        return {PID_TAG: str(self.pid), BEGAN_TAG: self.began, BOOT_TAG: self.boot_id}

    @staticmethod
    def from_tags(tags: Mapping[str, str]) -> ProcessMark | None:
        """The mark among a run's tags; None where the run has none."""
        try:
            return ProcessMark(pid=int(tags[PID_TAG]), began=tags[BEGAN_TAG], boot_id=tags[BOOT_TAG])
        except (KeyError, ValueError):
            return None

    def is_alive(self) -> bool:
        """Whether this very process still lives, on this boot of this machine."""
        return self.boot_id == _boot_id() and self.began == _began(self.pid)


def this_process() -> ProcessMark:
    """The mark of the process that asks."""
    return ProcessMark(pid=os.getpid(), began=_began(os.getpid()) or "", boot_id=_boot_id())


def _began(pid: int) -> str | None:
    """None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        # Field 22 of proc(5), counted from 1; the name, field 2, may hold spaces and is cut off. Z: dead, not reaped.
        return None if after_name[0] in "ZX" else after_name[19]
    printed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return printed.stdout.strip() or None


def _boot_id() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return boot.read_text().strip() if boot.exists() else "unknown"
