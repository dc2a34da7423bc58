"""dbt's unit tests: a rule each, on rows that are written beside it. Runs leave them out, this does not."""

from __future__ import annotations

import subprocess

from shop_runs import Shop

from dagster_project.settings.children import process_environment
from dagster_project.warehouse import held
from dagster_project.warehouse.dbt_arguments import dbt_arguments
from dagster_project.warehouse.dbt_manifest import dbt_executable


def test_every_dbt_unit_test_passes(shop: Shop) -> None:
    settings = shop.settings
    project = str(settings.paths.dbt_project)
    target = str(settings.paths.dbt_target)
    with held(settings.paths.warehouse, who="test", wait_seconds=10):
        done = subprocess.run(
            [
                str(dbt_executable()),
                *dbt_arguments("test", select=["test_type:unit"], unit_tests=True),
                *("--threads", "1"),  # nearly all is Python, of which a second thread only waits for the first
                *("--project-dir", project, "--profiles-dir", project, "--target-path", target, "--log-path", target),
            ],
            env={**shop.environment, **process_environment(settings)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "ERROR=0" in done.stdout
    assert "Nothing to do" not in done.stdout
