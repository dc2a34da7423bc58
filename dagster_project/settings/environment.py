"""The environment's values: secrets, and what differs between machines. The only reader of environment variables
besides `paths`, which finds the folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from dagster_project.errors import SettingsError

# Longer than any daily run measured, so that a run started during another one waits rather than fails.
WAREHOUSE_WAIT_SECONDS = 1800.0
# Of the machine's memory, for each DuckDB; what needs more spills to disk. DuckDB's own default, 80 %, leaves a laptop
# that does other things too without. The processes around it hold up to 1.8 GB more, so that a run of 100 million
# orders takes less than 8 GB of 24.
MEMORY_LIMIT = "22%"
DAGSTER_POSTGRES_URL = "STRATA_DAGSTER_POSTGRES_URL"
_AMOUNT_OF_MEMORY = re.compile(r"\d+(\.\d+)? ?(%|[KMGT]i?B)", re.IGNORECASE)


class Deployment(StrEnum):
    """What this installation is for; schedules and sensors are registered per deployment."""

    SAMPLE = "sample"
    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Secrets:
    """The secrets of sources, by the variable that holds each; none is ever shown."""

    variables: Mapping[str, SecretStr] = field(default_factory=dict)

    def find(self, source: str, name: str) -> str | None:
        """The secret `name` of a source, None where the environment has none."""
        found = self.variables.get(secret_variable(source, name))
        return found.get_secret_value() if found is not None else None

    def get(self, source: str, name: str) -> str:
        """The secret `name` of a source.

        Raises:
            SettingsError: the environment has none; the message names the variable.
        """
        found = self.find(source, name)
        if found is None:
            raise SettingsError(
                f"Source {source} needs its {name.replace('_', ' ')}: set {secret_variable(source, name)} in the "
                "environment."
            )
        return found


@dataclass(frozen=True)
class Environment:
    """Values that come from environment variables."""

    deployment: Deployment | None
    hash_key: SecretStr | None
    postgres_url: SecretStr | None
    warehouse_wait_seconds: float = WAREHOUSE_WAIT_SECONDS
    memory_limit: str = MEMORY_LIMIT
    secrets: Secrets = field(default_factory=Secrets)
    erasure_key: SecretStr | None = None
    dagster_postgres_url: SecretStr | None = None


def secret_variable(source: str, name: str) -> str:
    """The variable that holds a source's secret: STRATA_<SOURCE>_<NAME>."""
    return f"STRATA_{source}_{name}".upper()


def read_environment() -> Environment:
    """STRATA_ENVIRONMENT, STRATA_HASH_KEY, STRATA_ERASURE_KEY, STRATA_POSTGRES_URL, STRATA_DAGSTER_POSTGRES_URL,
    STRATA_WAREHOUSE_WAIT_SECONDS, STRATA_MEMORY_LIMIT and the secrets of sources and alert targets.

    Raises:
        SettingsError: STRATA_ENVIRONMENT names no known deployment, the wait is no number of seconds, or the limit no
            amount of memory.
    """
    named = os.environ.get("STRATA_ENVIRONMENT")
    try:
        deployment = Deployment(named) if named else None
    except ValueError:
        known = ", ".join(Deployment)
        raise SettingsError(f"STRATA_ENVIRONMENT is {named!r}; it must be one of {known}.") from None
    return Environment(
        deployment=deployment,
        hash_key=_secret("STRATA_HASH_KEY"),
        erasure_key=_secret("STRATA_ERASURE_KEY"),
        postgres_url=_secret("STRATA_POSTGRES_URL"),
        dagster_postgres_url=_secret(DAGSTER_POSTGRES_URL),
        warehouse_wait_seconds=_seconds("STRATA_WAREHOUSE_WAIT_SECONDS", WAREHOUSE_WAIT_SECONDS),
        memory_limit=_amount_of_memory("STRATA_MEMORY_LIMIT", MEMORY_LIMIT),
        secrets=Secrets(
            {name: SecretStr(value) for name, value in os.environ.items() if name.startswith("STRATA_") and value}
        ),
    )


def _seconds(name: str, default: float) -> float:
    value = os.environ.get(name)
    try:
        return float(value) if value else default
    except ValueError:
        raise SettingsError(f"{name} is {value!r}; it must be a number of seconds.") from None


def _amount_of_memory(name: str, default: str) -> str:
    value = os.environ.get(name) or default
    if not _AMOUNT_OF_MEMORY.fullmatch(value):
        raise SettingsError(f"{name} is {value!r}; it must be an amount such as 4GB, or a share such as {default}.")
    return value


def _secret(name: str) -> SecretStr | None:
    value = os.environ.get(name)
    return SecretStr(value) if value else None
