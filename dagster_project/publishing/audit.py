"""The record of exports of personal data: one JSON line each, only ever added to.

Says who asked, when, why, what and how much; holds no personal data itself. Whether an export is new is the
exporter's to say.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from dagster_project.atomic_files import PRIVATE_FILE, private_folder

LIST_EXPORTS = "list_exports.jsonl"


def append_record(path: Path, record: dict[str, Any]) -> None:
    """Add `record` and have it on the disk before returning. Processes that add at once wait for each other."""
    private_folder(path.parent)
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _lacks_line_end(file.fileno()):  # a power cut in the middle of a line
            line = b"\n" + line
        file.write(line)
        os.fsync(file.fileno())


def read_records(path: Path) -> list[dict[str, Any]]:
    """All records, oldest first. A line that a power cut left half written is passed over: its export never began."""
    if not path.is_file():
        return []
    records = []
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def _lacks_line_end(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
