"""The Dagster code location: the definitions of defs/ under one policy, made from the settings. Nothing else."""

from __future__ import annotations

import warnings

import dagster as dg

from dagster_project.defs.identity import identity_definitions
from dagster_project.defs.jobs import jobs_definitions
from dagster_project.defs.landing import landing_definitions
from dagster_project.defs.measurement import measurement_definitions
from dagster_project.defs.publishing import publishing_definitions
from dagster_project.defs.purging import purging_definitions
from dagster_project.defs.quality import quality_definitions
from dagster_project.defs.resources import dbt_child
from dagster_project.defs.schedules import schedules_definitions
from dagster_project.defs.sensors import sensors_definitions
from dagster_project.defs.transform import transform_definitions
from dagster_project.defs.turns import InTurn
from dagster_project.settings import Settings, load_settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything of defs/, for these settings."""
    # `backfill_policy` is said to be in beta; it behaves as tests/pipeline show in the version that is locked.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    dbt = dbt_child(settings)
    jobs = jobs_definitions(settings, dbt)
    return dg.Definitions.merge(
        landing_definitions(settings),
        identity_definitions(settings),
        transform_definitions(settings, dbt),
        measurement_definitions(settings),
        quality_definitions(settings),
        publishing_definitions(settings),
        jobs,
        purging_definitions(settings),
        schedules_definitions(settings),
        sensors_definitions(settings, jobs),
        dg.Definitions(executor=InTurn(settings)),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What workspace.yaml loads.

    Raises:
        SettingsError: the configuration says something that cannot be.
    """
    return build_definitions(load_settings())
