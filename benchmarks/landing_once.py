"""The measured process: what lies in an installation's folder is landed once, as a run lands it.

python -m benchmarks.landing_once FOLDER
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.landing import land
from dagster_project.settings import load_settings

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def main(folder: Path) -> None:
    """Land all that the installation below `folder` reads."""
    land(load_settings(folder / "config", folder / "data"), now=NOW)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
