"""Fixtures of the whole-graph tests: one tiny shop is built once, and copied by whoever changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop_runs import Shop, build_shared_shop


@pytest.fixture(scope="session")
def shared_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The tiny shop with one day built; read it, do not change it."""
    return build_shared_shop(tmp_path_factory)


@pytest.fixture
def shop(shared_shop: Shop, tmp_path: Path) -> Shop:
    """A copy of it, to be changed."""
    return shared_shop.copied_to(tmp_path)
