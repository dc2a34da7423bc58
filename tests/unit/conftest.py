"""Fixtures of the unit tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from flushes import Flush, recorded_flushes
from marts_fixture import build_marts

from dagster_project.settings.publishing import PublishingSettings

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture(scope="session")
def publishing_document() -> dict[str, Any]:
    """The shipped publishing.yaml as it reads, for tests that change a setting."""
    document: dict[str, Any] = yaml.safe_load((CONFIG / "publishing.yaml").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="session")
def publishing_settings(publishing_document: dict[str, Any]) -> PublishingSettings:
    """The shipped publishing.yaml."""
    return PublishingSettings.model_validate(publishing_document)


@pytest.fixture(scope="session")
def marts_days() -> list[date]:
    """The days that `marts` holds; a list is issued for the last."""
    return [date(2017, 12, 31), date(2018, 1, 1)]


@pytest.fixture(scope="session")
def marts_file(tmp_path_factory: pytest.TempPathFactory, marts_days: list[date]) -> Path:
    """An invented warehouse of 60 customers; copied, never changed."""
    path = tmp_path_factory.mktemp("marts") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as con:
        build_marts(con, marts_days, list_for=marts_days[-1])
    return path


@pytest.fixture
def marts(marts_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the invented warehouse, open, for one test to change."""
    path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    shutil.copy(marts_file, path)
    with duckdb.connect(str(path)) as con:
        yield con


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> list[Flush]:
    """What was flushed to the disk since the test began, in order."""
    return recorded_flushes(monkeypatch)
