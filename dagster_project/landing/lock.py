"""The landing lock: one landing at a time, and a clear word about who holds it.

The operating system frees the lock when its holder dies, so a killed landing blocks nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dagster_project.errors import StrataError


class LandingHeld(StrataError):
    """Another process is landing files."""


@contextmanager
def landing_lock(landing: Path, *, now: datetime) -> Iterator[None]:
    """Hold the landing folder.

    Raises:
        LandingHeld: another process holds it; the message names the process and since when.
    """
    landing.mkdir(parents=True, exist_ok=True)
    handle = os.open(landing / "landing.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LandingHeld(_held_message(handle)) from None
        # Not what follows the command: `strata forget` is given references and contact points.
        command = " ".join(sys.argv[:2])[:200]
        holder = {"pid": os.getpid(), "command": command, "since": now.isoformat(timespec="seconds")}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(handle)


def _held_message(handle: int) -> str:
    try:
        holder = json.loads(os.pread(handle, 4096, 0))
        who = f"process {holder['pid']} ({holder['command']}) since {holder['since']}"
    except (ValueError, KeyError):
        who = "another process"
    return f"Files are being landed by {who}. Wait until it has ended, then run again."
