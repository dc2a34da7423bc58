"""What users would otherwise write: from one Parquet file of orders to one row a customer with scores and a segment.

Each script runs by itself, in the benchmarks' own environment, and imports nothing of this project. comparing.py
measures them.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.settings.paths import PROJECT_ROOT

ENVIRONMENT = PROJECT_ROOT / "data" / "benchmarks" / "environment" / "bin" / "python"  # made by `make bench`
MOST_BYTES = 16 * 2**30  # of a machine of 24 GB, which does more than run one script
MOST_SECONDS = 1_800.0


def script(name: str, *files: Path) -> list[str]:
    """The words that start one of the scripts beside this file.

    Raises:
        RuntimeError: the benchmarks' environment is not there.
    """
    if not ENVIRONMENT.exists():
        raise RuntimeError(f"{ENVIRONMENT} is missing: make bench makes it")
    return [str(ENVIRONMENT), str(Path(__file__).with_name(f"{name}.py")), *map(str, files)]
