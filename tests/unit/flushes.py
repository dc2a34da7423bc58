"""What is flushed to the disk while a test runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Flush:
    """A file or folder that was flushed, and the names that its folder, or it itself, had by then."""

    path: Path
    names: frozenset[str]


def recorded_flushes(monkeypatch: pytest.MonkeyPatch) -> list[Flush]:
    """A list that grows by each flush from now on."""
    flushes: list[Flush] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        folder = path if path.is_dir() else path.parent
        flushes.append(Flush(path, frozenset(each.name for each in folder.iterdir())))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    return flushes
