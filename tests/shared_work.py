"""Work that all test processes of a session share: done by the first that needs it, waited for by the others."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that every test process of this session calls by this name; it may not exist yet."""
    # Test processes of one pytest-xdist session have base folders beside each other.
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


def done_once(folder: Path, work: Callable[[Path], None]) -> Path:
    """`folder`, filled by `work` in whichever process comes first. What failed half way is begun anew."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            work(folder)
            (folder / "done").touch()
    return folder
