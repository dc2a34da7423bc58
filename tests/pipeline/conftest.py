"""Fixtures of the whole-graph tests: each shop is built once a session, and copied by whoever changes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from reference.uci import build_orders
from shared_work import done_once, shared_folder
from shop_runs import RANGE, Shop, build_shared_shop
from uci_run import LINES, UciRun, run_uci_job, uci_run_in
from watched_run import Watched, watch_a_run, watched_in


@pytest.fixture(scope="session")
def shared_shop(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Shop:
    """The tiny shop with one day built; read it, do not change it."""
    return build_shared_shop(tmp_path_factory, parsed_project)


@pytest.fixture
def shop(shared_shop: Shop, tmp_path: Path) -> Shop:
    """A copy of it, to be changed."""
    return shared_shop.copied_to(tmp_path)


@pytest.fixture(scope="session")
def watched_folder(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared shop's second day was run and watched, once for all."""
    return done_once(shared_folder(tmp_path_factory, "second_day"), lambda folder: watch_a_run(shared_shop, folder))


@pytest.fixture(scope="session")
def second_day(watched_folder: Path) -> Shop:
    """The shared shop after a run of its second day; read it, do not change it."""
    return Shop(watched_folder / "config", watched_folder / "data")


@pytest.fixture(scope="session")
def watched(watched_folder: Path) -> Watched:
    """What was seen of that run."""
    return watched_in(watched_folder)


@pytest.fixture(scope="session")
def range_shop(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shared shop with RANGE built by one `strata backfill`; read it, do not change it."""

    def build(folder: Path) -> None:
        shared_shop.copied_to(folder).strata("backfill", "--from", str(RANGE[0]), "--to", str(RANGE[-1]))

    folder = done_once(shared_folder(tmp_path_factory, "range_shop"), build)
    return Shop(folder / "config", folder / "data")


@pytest.fixture(scope="session")
def uci_run(real_data: Path, parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> UciRun:
    """The real shop with its last day built and published; read it, do not change it."""
    folder = shared_folder(tmp_path_factory, "uci")
    return uci_run_in(done_once(folder, lambda folder: run_uci_job(real_data, folder, parsed_project)))


@pytest.fixture(scope="session")
def uci_orders(real_data: Path) -> pd.DataFrame:
    """The same shop's orders, read without the project."""
    return build_orders(real_data / LINES)
