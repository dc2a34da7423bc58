"""config/*.yaml and the environment, as frozen models: the only reader of YAML and environment variables.

Nothing here opens data or starts work. Every other room receives a `Settings` or parts of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.errors import SettingsError
from dagster_project.settings.environment import Deployment, Environment, read_environment
from dagster_project.settings.paths import Paths, find_paths
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.settings.sources import Pairs, SourcesSettings, read_pairs
from dagster_project.settings.standards import Standard
from dagster_project.settings.yaml_documents import did_you_mean, load_model

__all__ = ["Deployment", "Environment", "Paths", "Settings", "child_environment", "load_settings"]


@dataclass(frozen=True)
class Settings:
    """All that a user configures, checked."""

    paths: Paths
    environment: Environment
    sources: SourcesSettings
    standard: Standard
    publishing: PublishingSettings
    pairs: Pairs = field(default_factory=Pairs)

    @property
    def deployment(self) -> Deployment:
        """The deployment named by the environment, else `sample` where a sample is configured, else `development`."""
        if self.environment.deployment is not None:
            return self.environment.deployment
        return Deployment.SAMPLE if self.sources.business.sample else Deployment.DEVELOPMENT


def load_settings(config: Path | None = None, data: Path | None = None) -> Settings:
    """Read sources.yaml with its files of pairs, standards.yaml and publishing.yaml of the config folder.

    Raises:
        SettingsError: a file is missing or says something that cannot be; the message names file, line and cure.
    """
    paths = find_paths(config, data)
    sources = load_model(paths.config / "sources.yaml", SourcesSettings)
    publishing = load_model(paths.config / "publishing.yaml", PublishingSettings)
    _refuse_unknown_sources(paths, publishing, sources)
    return Settings(
        paths=paths,
        environment=read_environment(),
        sources=sources,
        standard=load_model(paths.config / "standards.yaml", Standard),
        publishing=publishing,
        pairs=read_pairs(paths.config, sources.identity),
    )


def _refuse_unknown_sources(paths: Paths, publishing: PublishingSettings, sources: SourcesSettings) -> None:
    known = {source.name for source in sources.sources}
    for name in publishing.alerts.expected_every_hours:
        if name not in known:
            raise SettingsError(
                f"{paths.config / 'publishing.yaml'}: alerts.expected_every_hours.{name}: sources.yaml has no such "
                f"source{did_you_mean(name, known)}"
            )


def child_environment(settings: Settings) -> dict[str, str]:
    """The variables that the dbt project reads: the warehouse, its memory, business time zone and currency."""
    return {
        "STRATA_WAREHOUSE": str(settings.paths.warehouse),
        "STRATA_MEMORY_LIMIT": settings.environment.memory_limit,
        "STRATA_BUSINESS_TIME_ZONE": settings.sources.business.time_zone,
        "STRATA_REPORTING_CURRENCY": settings.sources.business.currency,
        "STRATA_EXCHANGE_RATE_MAX_AGE_DAYS": str(settings.sources.business.exchange_rate_max_age_days),
    }
