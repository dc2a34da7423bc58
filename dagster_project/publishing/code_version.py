"""Which code made a table: the package's version and a hash over everything that can change a result.

Knows nothing of Git: an installed copy has no history, and an edited model must show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from dagster_project import __version__

_DBT_FOLDERS = ("models", "macros", "seeds")
_DBT_SUFFIXES = {".sql", ".yml", ".yaml", ".csv"}


def code_version(dbt_project: Path, package: Path | None = None) -> str:
    """`0.1.0+3f2a…`: the package's version, then 12 hex digits over the dbt models and the Python sources.

    Line ends are not part of it, so that a checkout on another system is the same code.
    """
    digest = hashlib.sha256()
    for root, path in _sources(dbt_project, package or Path(__file__).parents[1]):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
        digest.update(b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"


def _sources(dbt_project: Path, package: Path) -> Iterator[tuple[Path, Path]]:
    for path in sorted(dbt_project.glob("dbt_project.yml")):
        yield dbt_project, path
    for folder in _DBT_FOLDERS:
        for path in sorted((dbt_project / folder).rglob("*")):
            if path.suffix in _DBT_SUFFIXES and path.is_file():
                yield dbt_project, path
    for path in sorted(package.rglob("*.py")):
        yield package, path
