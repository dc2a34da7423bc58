"""The errors that a user meets. Each message names the place and the cure.

Rooms raise these or their own subclasses; the command line prints them without a traceback. What is a fault of
our own code is left to Python's exceptions.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_FULL = (errno.ENOSPC, errno.EDQUOT)
# DuckDB and Arrow say it in words alone; by default DuckDB spills until nine tenths of the free space are taken.
_FULL_IN_WORDS = ("No space left on device", "Disk quota exceeded", "max_temp_directory_size")


class StrataError(Exception):
    """Something the user can mend: settings, sources, a held warehouse."""


class SettingsError(StrataError):
    """A file under config/ or an environment variable says something that cannot be."""


class DiskFull(StrataError):
    """Nothing more can be written."""


def disk_full(error: BaseException) -> DiskFull | None:
    """What to tell where `error`, or what it was raised from, is a full disk; None where it is anything else."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DiskFull):
            return seen
        lines = [line for line in str(seen).splitlines() if any(words in line for words in _FULL_IN_WORDS)]
        if lines or (isinstance(seen, OSError) and seen.errno in _FULL):
            said = lines[0].strip() if lines else str(seen)
            return DiskFull(
                f"The disk is full: {said}\nWhat was landed and published before is whole. Make room on the disk of "
                "the data folder, then start the same command again: it goes on where this one ended."
            )
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def full_disk_told(*kinds: type[Exception]) -> Iterator[None]:
    """A block whose errors of these kinds are raised as `DiskFull` where that is what they are.

    Raises:
        DiskFull: there is no room.
    """
    try:
        yield
    except kinds as error:
        full = disk_full(error)
        if full is None:
            raise
        raise full from error


def some(names: Sequence[str], *, shown: int = 3) -> str:
    """A few of many names, for a message: `a, b, c and 4 more`."""
    listed = ", ".join(names[:shown])
    return listed if len(names) <= shown else f"{listed} and {len(names) - shown:,} more"
