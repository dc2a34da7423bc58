"""The environment that child processes get: where things are, and the few settings that dbt's SQL is compiled with.

Everything else reaches SQL as rows of the schema `control`; what stands here is constant for an installation, and
DuckDB is faster with it in the text of a query.
"""

from __future__ import annotations

import os

from dagster_project.settings import Settings


def child_environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the places and constants of `settings`, for a child that works on them."""
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
    business = settings.sources.business
    return {
        "STRATA_WAREHOUSE": str(settings.paths.warehouse),
        "STRATA_BUSINESS_TIME_ZONE": business.time_zone,
        "STRATA_REPORTING_CURRENCY": business.currency,
        "STRATA_EXCHANGE_RATE_MAX_AGE_DAYS": str(business.exchange_rate_max_age_days),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        # A test runs with the last of the models it names: the default, eager, would run a test of a staging and a
        # mart model as soon as staging is built.
        "DBT_INDIRECT_SELECTION": "cautious",
    }
