"""What a run publishes, by itself: the measured process of benchmarks/publishing.py.

python -m benchmarks.publishing_once parquet|serving|postgres|lists FOLDER DAY [URL]
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import SecretStr

from dagster_project.publishing.code_version import code_version
from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import HeldWarehouse, held


def main(target: str, folder: str, day: str, url: str = "") -> None:
    """Publish the company's day as the target's asset does."""
    settings = load_settings(Path(folder) / "config", Path(folder) / "data")
    with held(settings.paths.warehouse, who="benchmark", wait_seconds=0) as warehouse:
        _TARGETS[target](settings, warehouse, date.fromisoformat(day), url)


def parquet(settings: Settings, warehouse: HeldWarehouse, day: date, *_: object) -> None:
    """The day and the tables without one, as files."""
    from dagster_project.publishing.parquet import publish_parquet

    with warehouse.connection() as con:
        publish_parquet(
            con,
            folder=settings.paths.published / "parquet",
            settings=settings.publishing,
            days=[day],
            code_version=code_version(settings.paths.dbt_project),
        )


def serving(settings: Settings, warehouse: HeldWarehouse, day: date, *_: object) -> None:
    """The serving copy."""
    from dagster_project.publishing.serving import publish_serving_copy

    with warehouse.connection() as con:
        publish_serving_copy(
            con,
            folder=settings.paths.published / "serving",
            settings=settings.publishing,
            days=[day],
            code_version=code_version(settings.paths.dbt_project),
        )


def postgres(settings: Settings, warehouse: HeldWarehouse, day: date, url: str) -> None:
    """The day and the tables without one, on the server."""
    from dagster_project.publishing.postgres import publish_postgres

    with warehouse.connection() as con:
        publish_postgres(
            con,
            url=SecretStr(url),
            settings=settings.publishing,
            days=[day],
            code_version=code_version(settings.paths.dbt_project),
        )


def lists(settings: Settings, warehouse: HeldWarehouse, day: date, *_: object) -> None:
    """The day's lists, as CSV and as sheets."""
    from dagster_project.publishing.lists import write_lists

    with warehouse.connection() as con:
        write_lists(
            con,
            paths=settings.paths,
            settings=settings.publishing,
            day=day,
            currency=settings.sources.business.currency,
            now=datetime.now(UTC),
            who="benchmark",
            why="measuring",
        )


_TARGETS = {"parquet": parquet, "serving": serving, "postgres": postgres, "lists": lists}

if __name__ == "__main__":
    main(*sys.argv[1:])
