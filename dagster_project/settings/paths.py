"""Where everything lies: the project's root, the user's config and the data folder, and the environment's values.

The only module that reads environment variables. It names places; it creates nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from dagster_project.errors import SettingsError

# Longer than any daily run measured, so that a run started during another one waits rather than fails.
WAREHOUSE_WAIT_SECONDS = 1800.0

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Deployment(StrEnum):
    """What this installation is for; schedules and sensors are registered per deployment."""

    SAMPLE = "sample"
    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Paths:
    """The folders of one installation. Everything the pipeline writes is below `data`."""

    root: Path
    config: Path
    data: Path

    @property
    def dbt_project(self) -> Path:
        return self.root / "dbt_project"

    @property
    def inbox(self) -> Path:
        return self.data / "inbox"

    @property
    def landing(self) -> Path:
        return self.data / "landing"

    @property
    def registry(self) -> Path:
        return self.data / "identity"

    @property
    def standards(self) -> Path:
        return self.data / "standards"

    @property
    def clusters(self) -> Path:
        return self.data / "clusters"

    @property
    def assignments(self) -> Path:
        return self.data / "assignments"

    @property
    def audit(self) -> Path:
        return self.data / "audit"

    @property
    def warehouse(self) -> Path:
        return self.data / "warehouse" / "strata.duckdb"

    @property
    def published(self) -> Path:
        return self.data / "published"

    @property
    def lists(self) -> Path:
        return self.data / "lists"

    @property
    def reports(self) -> Path:
        return self.data / "reports"

    @property
    def impact(self) -> Path:
        return self.data / "impact"

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"

    @property
    def dbt_target(self) -> Path:
        return self.data / "dbt" / "target"

    @property
    def logs(self) -> Path:
        return self.data / "logs"


@dataclass(frozen=True)
class Environment:
    """Values that come from environment variables: secrets, and what differs between machines."""

    deployment: Deployment | None
    hash_key: SecretStr | None
    postgres_url: SecretStr | None
    warehouse_wait_seconds: float = WAREHOUSE_WAIT_SECONDS


def find_paths(config: Path | None = None, data: Path | None = None) -> Paths:
    """Places from the arguments, else STRATA_CONFIG and STRATA_DATA, else `config/` and `data/` of the project."""
    return Paths(
        root=PROJECT_ROOT,
        config=(config or Path(os.environ.get("STRATA_CONFIG", PROJECT_ROOT / "config"))).resolve(),
        data=(data or Path(os.environ.get("STRATA_DATA", PROJECT_ROOT / "data"))).resolve(),
    )


def read_environment() -> Environment:
    """STRATA_ENVIRONMENT, STRATA_HASH_KEY, STRATA_POSTGRES_URL and STRATA_WAREHOUSE_WAIT_SECONDS.

    Raises:
        SettingsError: STRATA_ENVIRONMENT names no known deployment, or the wait is no number of seconds.
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
        postgres_url=_secret("STRATA_POSTGRES_URL"),
        warehouse_wait_seconds=_seconds("STRATA_WAREHOUSE_WAIT_SECONDS", WAREHOUSE_WAIT_SECONDS),
    )


def _seconds(name: str, default: float) -> float:
    value = os.environ.get(name)
    try:
        return float(value) if value else default
    except ValueError:
        raise SettingsError(f"{name} is {value!r}; it must be a number of seconds.") from None


def _secret(name: str) -> SecretStr | None:
    value = os.environ.get(name)
    return SecretStr(value) if value else None
