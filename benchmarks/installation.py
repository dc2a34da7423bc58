"""An installation whose sources are a generated history, and what is run on it as a user runs it, each as a process."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.history import SOURCES
from benchmarks.measuring import Measured, measure
from dagster_project.landing import land
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.children import process_environment
from dagster_project.settings.paths import PROJECT_ROOT


@dataclass(frozen=True)
class Installation:
    """Settings and data below one folder."""

    settings: Settings

    @classmethod
    def at(cls, folder: Path, *, foretells: bool = True) -> Installation:
        """The shipped settings with a shop's files as the source, and with or without purchase models."""
        config = folder / "config"
        config.mkdir(parents=True)
        (config / "sources.yaml").write_text(SOURCES, encoding="utf-8")
        shutil.copy(PROJECT_ROOT / "config" / "publishing.yaml", config)
        standard = (PROJECT_ROOT / "config" / "standards.yaml").read_text(encoding="utf-8")
        (config / "standards.yaml").write_text(
            standard if foretells else without_predictions(standard), encoding="utf-8"
        )
        return cls(load_settings(config, folder / "data"))

    @property
    def data(self) -> Path:
        return self.settings.paths.data

    @property
    def warehouse(self) -> Path:
        return self.settings.paths.warehouse

    def land(self) -> Measured:
        """Land what is in the inbox, without a run around it."""
        return measure([sys.executable, "-m", "benchmarks.installation"], process_environment(self.settings))

    def strata(self, *words: str, memory_limit: str | None = None) -> Measured:
        """One `strata` command, with the installation's limit on the memory of each DuckDB or another one."""
        environment = process_environment(self.settings)
        if memory_limit is not None:
            environment["STRATA_MEMORY_LIMIT"] = memory_limit
        return measure(["strata", *words], environment)


def without_predictions(standard: str) -> str:
    """The text of a standard with the purchase models switched off.

    Raises:
        ValueError: it names none.
    """
    changed = re.sub(r"(?m)^(prediction:.*\n(?:[ #].*\n)*?  model: )\w+", r"\1none", standard)
    if changed == standard:
        raise ValueError("standards.yaml names no prediction.model")
    return changed


def land_all() -> None:
    """Land by the settings that the environment names."""
    land(load_settings(), now=datetime.now(UTC))


if __name__ == "__main__":
    land_all()
