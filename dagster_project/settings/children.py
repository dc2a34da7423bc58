"""The whole environment that child processes get: what dbt reads, where things are, and no look at the network."""

from __future__ import annotations

import os

from dagster_project.settings import Settings, child_environment


def process_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with all that a child which works on `settings` reads."""
    paths = settings.paths
    return {
        **os.environ,
        **_dbt_variables(settings),
        "STRATA_CONFIG": str(paths.config),
        "STRATA_DATA": str(paths.data),
        "DAGSTER_HOME": str(paths.dagster_home),
    }


def export_to_dbt(settings: Settings) -> None:
    """Set what dbt reads in this process's own environment, which dagster-dbt copies for its children."""
    os.environ.update(_dbt_variables(settings))


def _dbt_variables(settings: Settings) -> dict[str, str]:
    return {
        **child_environment(settings),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        # A test runs with the last of the models it names: the default, eager, would run a test of a staging and a
        # mart model as soon as staging is built.
        "DBT_INDIRECT_SELECTION": "cautious",
        # dbt's default, debug, is 5 MB a run and a sixth of its time; DBT_LOG_LEVEL_FILE=debug gives it back.
        "DBT_LOG_LEVEL_FILE": os.environ.get("DBT_LOG_LEVEL_FILE", "info"),
        # A fit has four parameters. scipy's BLAS takes a thread a core for them, which wait for one another: 14 fits of
        # 1,000 customers took 11.5 s of processor time, and take 2.9 s with one; beside other work, 52 s and 15 s.
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
    }
