"""Fixtures of the whole-graph tests: each shop is built once a session, and copied by whoever changes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from people_shop import (
    KEY,
    erase,
    object_by_command,
    objecting,
    purge,
    rebuild_without_postgres,
    run_first_day,
    run_later_day,
)
from postgres_databases import address_of, make_database
from reference.uci import build_orders
from shared_work import done_once, shared_folder
from shop_runs import RANGE, Shop, shop_in
from uci_run import LINES, UciRun, run_uci_job, uci_run_in
from watched_run import Watched, watch_a_run, watched_in


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
    return shop_in(watched_folder)


@pytest.fixture(scope="session")
def watched(watched_folder: Path) -> Watched:
    """What was seen of that run."""
    return watched_in(watched_folder)


@pytest.fixture(scope="session")
def range_shop(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shared shop with RANGE built by one `strata backfill`; read it, do not change it."""

    def build(folder: Path) -> None:
        shared_shop.copied_to(folder).strata("backfill", "--from", str(RANGE[0]), "--to", str(RANGE[-1]))

    return shop_in(done_once(shared_folder(tmp_path_factory, "range_shop"), build))


@pytest.fixture(scope="session")
def uci_run(real_data: Path, parsed_project: Path, tmp_path_factory: pytest.TempPathFactory) -> UciRun:
    """The real shop with its last day built and published; read it, do not change it."""
    folder = shared_folder(tmp_path_factory, "uci")
    return uci_run_in(done_once(folder, lambda folder: run_uci_job(real_data, folder, parsed_project)))


@pytest.fixture(scope="session")
def uci_orders(real_data: Path) -> pd.DataFrame:
    """The same shop's orders, read without the project."""
    return build_orders(real_data / LINES)


@pytest.fixture(scope="session")
def people_shop(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path, shared_postgres: str) -> Shop:
    """The shop of planted people with a day that went to every target; it and its stages are not to be changed."""
    variables = {"STRATA_HASH_KEY": KEY, "STRATA_POSTGRES_URL": address_of(shared_postgres, "people")}

    def build(folder: Path) -> None:
        make_database(shared_postgres, "people")
        run_first_day(folder, parsed_project, **variables)
        # Copied at once: later, somebody may be reading it.
        make_database(shared_postgres, "people_erased", template="people")

    return _stage(tmp_path_factory, "people_shop", build).given(**variables)


@pytest.fixture(scope="session")
def erased_shop(people_shop: Shop, tmp_path_factory: pytest.TempPathFactory, shared_postgres: str) -> Shop:
    """It after three people were erased in one go."""
    variables = {**people_shop.variables, "STRATA_POSTGRES_URL": address_of(shared_postgres, "people_erased")}
    erased = _stage(tmp_path_factory, "erased_shop", lambda folder: erase(people_shop, folder, **variables))
    return erased.given(**variables)


@pytest.fixture(scope="session")
def objected_shop(erased_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """It after another has objected to profiling; from here on without PostgreSQL."""
    before = erased_shop.given(STRATA_HASH_KEY=KEY)
    objected = _stage(
        tmp_path_factory, "objected_shop", lambda folder: object_by_command(before, folder, objecting(before)[0])
    )
    return objected.given(**before.variables)


@pytest.fixture(scope="session")
def rebuilt_shop(erased_shop: Shop, objected_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """It after a second run of the first day, at whose end PostgreSQL did not answer."""
    other = objecting(erased_shop)[1]
    rebuilt = _stage(
        tmp_path_factory, "rebuilt_shop", lambda folder: rebuild_without_postgres(objected_shop, folder, other)
    )
    return rebuilt.given(**objected_shop.variables)


@pytest.fixture(scope="session")
def purged_shop(rebuilt_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """It after everybody's contact data is past its age and purged."""
    purged = _stage(tmp_path_factory, "purged_shop", lambda folder: purge(rebuilt_shop, folder))
    return purged.given(**rebuilt_shop.variables)


@pytest.fixture(scope="session")
def last_shop(purged_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """It after a run of a later day: the end of the history."""
    last = _stage(tmp_path_factory, "last_shop", lambda folder: run_later_day(purged_shop, folder))
    return last.given(**purged_shop.variables)


def _stage(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Shop:
    return shop_in(done_once(shared_folder(factory, name), make))
