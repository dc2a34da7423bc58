"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
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
