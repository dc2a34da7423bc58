"""What the figures were measured on."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dagster_project.settings.paths import PROJECT_ROOT

PACKAGES = ("duckdb", "dbt-core", "dagster")
CODE = ("dagster_project/**/*.py", "dbt_project/**/*.sql", "dbt_project/**/*.py", "dbt_project/*.yml", "config/*.yaml")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Machine:
    """Cores that may be used, memory in bytes, and versions; `load` is what else ran, in cores, before the step."""

    processor: str
    cores: int
    memory_bytes: int
    versions: str
    load: float

    def __str__(self) -> str:
        return f"{self.cores} cores ({self.processor}), {self.memory_bytes / 2**30:.0f} GiB, {self.versions}"

    @property
    def is_busy(self) -> bool:
        """Whether other work took a quarter of the machine or more just before."""
        return self.load >= 0.25 * self.cores


def this_machine() -> Machine:
    """This machine as it is now."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=_memory_bytes(),
        versions=", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]),
        load=_load(),
    )


def code_fingerprint() -> str:
    """Twelve digits that change with the product's code and its shipped settings."""
    digest = hashlib.sha256()
    for pattern in CODE:
        for file in sorted(PROJECT_ROOT.glob(pattern)):
            if "target" not in file.parts:
                digest.update(file.relative_to(PROJECT_ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _load() -> float:
    """Cores that are busy while this process waits for a moment."""
    idle, all_of_it = _ticks()
    time.sleep(0.3)
    idle_then, all_then = _ticks()
    share = 1 - (idle_then - idle) / max(all_then - all_of_it, 1)
    return round(share * (os.cpu_count() or 1), 2)


def _ticks() -> tuple[int, int]:
    """Idle ticks and all ticks since the machine started: the first line is user, nice, system, idle, waiting …"""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks[:8])


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_bytes() -> int:
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = MEMORY_LIMIT.read_text().strip() if MEMORY_LIMIT.exists() else "max"
    return installed if limit == "max" else min(installed, int(limit))
