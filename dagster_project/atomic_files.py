"""Writing files so that a reader sees the old or the new one, never a part: written beside, flushed, then renamed.

What is in the files is the callers' business.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644
# Hidden, and of no kind that a pattern such as *.json or as_of_date=* finds.
_UNFINISHED = ".{}.unfinished"
UNFINISHED_FILES = _UNFINISHED.format("*") + "*"  # with the write-ahead log of a database


@contextmanager
def written_beside(path: Path, *, mode: int = PUBLIC_FILE) -> Iterator[Path]:
    """A path next to `path` to write to, renamed to `path` on leaving; on an error nothing changes.

    The file has `mode` from its first byte on, so that private content is never readable by others. It is on the disk
    before it has its name: a power cut leaves the old file or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = unfinished(path.parent, path.name)
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield beside
        beside.chmod(mode)
        flush(beside)
        beside.replace(path)
        flush(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk before returning."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_if_changed(path: Path, content: bytes, *, mode: int = PUBLIC_FILE) -> bool:
    """Make `path` hold `content`; returns whether it had to be written. An equal file keeps its time."""
    if path.is_file() and path.read_bytes() == content:
        path.chmod(mode)
        return False
    with written_beside(path, mode=mode) as beside:
        beside.write_bytes(content)
    return True


def private_folder(path: Path) -> Path:
    """`path`, made where absent, which only its owner may enter."""
    path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    path.chmod(PRIVATE_FOLDER)
    return path


def remove_unfinished(folder: Path) -> None:
    """Clear what a killed run left half written in `folder`."""
    for path in folder.glob(UNFINISHED_FILES):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def unfinished(folder: Path, name: str) -> Path:
    """Where something called `name` is built in `folder` before it is renamed."""
    return folder / _UNFINISHED.format(name)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
