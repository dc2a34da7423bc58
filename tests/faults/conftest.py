"""Fixtures of the fault tests: a shop that has landed, copied by whoever spoils it."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_rooms import NOW
from shared_work import done_once, shared_folder
from shop_runs import Shop, shop_in
from tiny_shop import build_tiny_shop

from dagster_project.landing import land


@pytest.fixture(scope="session")
def landed_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The tiny shop with all its files landed; read it, do not change it."""

    def build(folder: Path) -> None:
        land(Shop(*build_tiny_shop(folder)).settings, now=NOW)

    return shop_in(done_once(shared_folder(tmp_path_factory, "landed_shop"), build))


@pytest.fixture
def shop(landed_shop: Shop, tmp_path: Path) -> Shop:
    """A copy of it, to be changed."""
    return landed_shop.copied_to(tmp_path)
