"""What has been told, so that nothing is told twice: a file below data/alerts that processes claim lines of."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

TOLD = "told.json"
# Longer than any run is looked at again; a line is 60 bytes.
KEPT_DAYS = 90


def claim(folder: Path, keys: Sequence[str], *, now: datetime) -> list[str]:
    """Those of `keys` that nobody has claimed before; from now on they are.

    A claim comes before the sending: of two processes that see the same failed run, one tells of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / TOLD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        told: dict[str, str] = _read(file.read())
        new = [key for key in dict.fromkeys(keys) if key not in told]
        if new:
            oldest = now - timedelta(days=KEPT_DAYS)
            kept = {key: at for key, at in told.items() if datetime.fromisoformat(at) >= oldest}
            file.seek(0)
            file.truncate()
            json.dump({**kept, **dict.fromkeys(new, now.isoformat())}, file, indent=0, ensure_ascii=False)
    return new


def _read(text: str) -> dict[str, str]:
    """What was told; a file cut short by a crash has told nothing: better told twice than never."""
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError:
        return {}
