"""Where everything lies: the project's root, the user's config and the data folder. It creates nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Paths:
    """The folders of one installation. Everything the pipeline writes is below `data`.

    `warehouse_file` is another warehouse than the installation's own: one that is built before it takes its place.
    """

    root: Path
    config: Path
    data: Path
    warehouse_file: Path | None = None

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
    def erasures(self) -> Path:
        return self.data / "erasures"

    @property
    def warehouse(self) -> Path:
        return self.warehouse_file or self.data / "warehouse" / "strata.duckdb"

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
    def alerts(self) -> Path:
        return self.data / "alerts"

    @property
    def logs(self) -> Path:
        return self.data / "logs"


def find_paths(config: Path | None = None, data: Path | None = None) -> Paths:
    """Places from the arguments, else STRATA_CONFIG and STRATA_DATA, else `config/` and `data/` of the project."""
    return Paths(
        root=PROJECT_ROOT,
        config=(config or Path(os.environ.get("STRATA_CONFIG", PROJECT_ROOT / "config"))).resolve(),
        data=(data or Path(os.environ.get("STRATA_DATA", PROJECT_ROOT / "data"))).resolve(),
    )
