"""The project's own models for the days of the run, as dbt has compiled them and run without it.

python -m benchmarks.peers.models_alone CONFIG DATA COMPILED WANTED GIVEN...
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from dagster_project.settings import load_settings
from dagster_project.warehouse.compiled_models import compile_project


def main(config: str, data: str, compiled: str, wanted: str, *given: str) -> None:
    """Build the model `wanted` and what it reads beyond the models `given`."""
    settings = load_settings(Path(config), Path(data))
    project = compile_project(settings, Path(compiled))
    with duckdb.connect(str(settings.paths.warehouse)) as con:
        project.build(con, select=[wanted], given=given)


if __name__ == "__main__":
    main(*sys.argv[1:])
