"""Landing and the warehouse, both held, so that what is being erased or removed by age does not come in meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb

from dagster_project.landing.lock import landing_lock
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse, held


@contextmanager
def at_rest(
    settings: Settings, *, who: str, now: datetime, say: Callable[[str], None]
) -> Iterator[HeldWarehouse | None]:
    """Landing and the warehouse, held against everybody else; None where there is no warehouse.

    Raises:
        LandingHeld, WarehouseHeld: another process is at work.
    """
    with landing_lock(settings.paths.landing, now=now):
        if not settings.paths.warehouse.exists():
            yield None
            return
        with held(
            settings.paths.warehouse,
            who=who,
            wait_seconds=settings.environment.warehouse_wait_seconds,
            memory_limit=settings.environment.memory_limit,
            progress=say,
        ) as warehouse:
            yield warehouse


@contextmanager
def connection_at_rest(warehouse: HeldWarehouse | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse, or to nothing where there is none."""
    if warehouse is not None:
        with warehouse.connection() as con:
            yield con
        return
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        yield con
