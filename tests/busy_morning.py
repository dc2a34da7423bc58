"""A morning on which everything runs at once in one installation, and what was seen of it.

Webserver and daemon of Dagster serve it, on one PostgreSQL for their runs and for what is published. In the turn of a
backfill an export is dropped, and the daily run and somebody's `strata run` are started. The daily run is killed, and a
run that may not be tried again. People read the serving copy and PostgreSQL all the while.
"""

from __future__ import annotations

import csv
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
from dagster_page import Page, Run, free_port, of_dagster, running, waited
from pytest_httpserver import HTTPServer
from shop_runs import RANGE, SECOND_AS_OF, STRATA, Shop
from watched_run import DAYS, Day, Reader

from dagster_project.defs.partitions import day_tags

# The days of the tests lie years back.
KEEP_EVERY_DAY = {"  keep_daily_days: 400\n": "  keep_daily_days: null\n"}
INSTALLATION = {
    **KEEP_EVERY_DAY,
    "postgres:\n  enabled: false\n": "postgres:\n  enabled: true\n",
    "  targets: []\n": "  targets: [{name: team}]\n",
    "  late_after: null\n": '  late_after: "00:00"\n',
}
STARTED_FIRST = ("failed_runs", "failed_checks", "late_data", "marked_days")
DROPPED_FILES = "dropped_files"
READS_A_SECOND, READS_AN_OPENING = 20, 4
GOING_ON = {"REQUESTED", "CANCELING"}
# Tags of runs.
SECOND_TRY = "dagster/parent_run_id"
OF_SENSOR = "dagster/sensor_name"


@dataclass(frozen=True)
class Seen:
    """Days that readers saw before, after and at any time, how often they opened, and what went wrong."""

    before: tuple[Day, ...]
    after: tuple[Day, ...]
    ever: set[tuple[Day, ...]]
    openings: int
    faults: list[str]


@dataclass(frozen=True)
class Morning:
    """What the page showed at the end, what runs said, what the alert target was told, and what readers saw."""

    runs: Sequence[Run]
    killed: Run
    lost: Run
    backfill: Run
    backfill_status: str
    said_in_killed: str
    said_by_hand: str
    told: Sequence[Mapping[str, str]]
    ticks: Mapping[str, Sequence[str]]
    steps: Mapping[str, Mapping[str, tuple[float, float]]]
    serving_copy: Seen
    postgres: Seen
    seconds: float

    def second_tries_of(self, run: Run) -> list[Run]:
        return [each for each in self.runs if each.tags.get(SECOND_TRY) == run.run_id]

    def of_sensor(self, sensor: str) -> list[Run]:
        return [each for each in self.runs if each.tags.get(OF_SENSOR) == sensor]


class ServingReader(Reader):
    """Reads the serving copy twenty times a second, of which it opens it anew for five: to open costs 20 ms of work."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, openings_a_second=READS_A_SECOND // READS_AN_OPENING)

    def look(self) -> tuple[Day, ...]:
        """Every day that is served; what it sees on the way is noted too."""
        with duckdb.connect(self._path, read_only=True) as con:
            for _ in range(READS_AN_OPENING - 1):
                self.seen.add(_days(con.execute(DAYS).fetchall()))
                self._ends.wait(1 / READS_A_SECOND)
            return _days(con.execute(DAYS).fetchall())


class PostgresReader(Reader):
    """Reads what is published in PostgreSQL, as often as a dashboard that many people look at."""

    def __init__(self, shop: Shop, address: str) -> None:
        super().__init__(shop, openings_a_second=5)
        self._address = address

    def look(self) -> tuple[Day, ...]:
        """Every day that is published there; none before the first publication."""
        with adbc_driver_postgresql.dbapi.connect(self._address) as con, con.cursor() as cursor:
            cursor.execute("select to_regclass('strata.publication') is not null")
            if cursor.fetchall() == [(False,)]:
                return ()
            cursor.execute(DAYS)
            return _days(cursor.fetchall())


def configure(shop: Shop, changes: Mapping[str, str]) -> None:
    """Replace words of the shop's publishing.yaml, which are those of the shipped one, by others."""
    file = shop.config / "publishing.yaml"
    text = file.read_text(encoding="utf-8")
    for shipped, own in changes.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, own)
    file.write_text(text, encoding="utf-8")


def drop_export(shop: Shop, day: date) -> None:
    """Put a newer export in the old one's place: with an order of a buyer whom nobody knew, three days before `day`."""
    file = shop.data / "inbox" / "shop" / "orders_2024.csv"
    with file.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    ordered_at = f"{day - timedelta(days=3)} 10:00:00"
    rows.append({**rows[-1], "订单编号": "00999999999999", "买家昵称": "新客户", "付款时间": ordered_at})
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8-sig", newline="") as written:
        writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    unfinished.replace(file)


def live_through(shop: Shop, day: date, *, database: str, folder: Path) -> Morning:
    """Let the morning after `day` happen in `shop`; the processes' words go to `folder`."""
    began = time.monotonic()
    with ExitStack() as stack:
        hook = stack.enter_context(HTTPServer())
        hook.expect_request("/hook").respond_with_data("")
        environment = {
            **shop.environment,
            "STRATA_POSTGRES_URL": database,
            "STRATA_DAGSTER_POSTGRES_URL": database,
            "STRATA_ALERT_TEAM": hook.url_for("/hook"),
        }
        readers = [ServingReader(shop), PostgresReader(shop, database)]
        before = [reader.look() for reader in readers]
        for reader in readers:
            stack.enter_context(_reading(reader))

        of_installation = {**environment, "DAGSTER_HOME": str(shop.data / "dagster")}
        port = free_port()
        words = ("dagster-webserver", "-h", "127.0.0.1", "-p", str(port))
        process = stack.enter_context(of_dagster(*words, environment=of_installation, log=folder / "page.log"))
        page = Page(port, process)
        page.wait_until_served()
        for sensor in STARTED_FIRST:
            page.start_sensor(sensor)
        # The daemon takes up backfills when it starts, and then every half minute.
        backfill_id = page.launch_backfill(RANGE)
        stack.enter_context(of_dagster("dagster-daemon", "run", environment=of_installation, log=folder / "daemon.log"))
        backfill = waited(lambda: _tagged(page, "dagster/backfill", backfill_id), "the run of the backfill")[0].run_id
        waited(lambda: page.run(backfill).process, "its process")

        # In its turn everything else begins.
        drop_export(shop, day)
        page.start_sensor(DROPPED_FILES)
        daily = page.launch("daily", day_tags(day, day))
        log = folder / "by_hand.log"
        by_hand = stack.enter_context(running([*STRATA, "run"], environment=environment, log=log, seconds=5))
        # It tells of what ends after its first look.
        waited(lambda: page.ticks("failed_runs"), "the first look of the sensor failed_runs")
        waited(lambda: page.has_begun(daily, "classification"), "the daily run at work")
        _kill(page, daily)
        once = {**day_tags(SECOND_AS_OF, SECOND_AS_OF), "dagster/max_retries": "0"}
        lost = page.launch("backfill", once)
        _kill(page, lost)

        waited(lambda: by_hand.poll() is not None, "the end of the run by hand")
        assert by_hand.returncode == 0, log.read_text(encoding="utf-8")
        waited(lambda: _are_over(page, SECOND_TRY, daily), "the end of the daily run's second try")
        waited(lambda: _are_over(page, OF_SENSOR, DROPPED_FILES), "the end of the dropped export's run")
        waited(lambda: page.backfill_status(backfill_id) not in GOING_ON, "the end of the backfill")
        waited(lambda: any(lost[:8] in request.get_data(as_text=True) for request, _ in hook.log), "the alert")
        for reader in readers:
            reader.end()
        serving_copy, postgres = (
            Seen(first, reader.look(), reader.seen, reader.openings, reader.faults)
            for first, reader in zip(before, readers, strict=True)
        )
        return Morning(
            runs=page.runs(),
            killed=page.run(daily),
            lost=page.run(lost),
            backfill=page.run(backfill),
            backfill_status=page.backfill_status(backfill_id),
            said_in_killed=page.said_in(daily),
            said_by_hand=log.read_text(encoding="utf-8"),
            told=[request.get_json() for request, _ in hook.log],
            ticks={sensor: page.ticks(sensor) for sensor in (*STARTED_FIRST, DROPPED_FILES, "dead_runs")},
            steps={run.run_id: page.steps(run.run_id) for run in page.runs() if run.status == "SUCCESS"},
            serving_copy=serving_copy,
            postgres=postgres,
            seconds=time.monotonic() - began,
        )


@contextmanager
def _reading(reader: Reader) -> Iterator[None]:
    reader.start()
    try:
        yield
    finally:
        reader.end()


def _days(rows: Sequence[tuple[Any, ...]]) -> tuple[Day, ...]:
    return tuple(Day(*row) for row in rows)


def _tagged(page: Page, tag: str, value: str) -> list[Run]:
    return [run for run in page.runs() if run.tags.get(tag) == value]


def _are_over(page: Page, tag: str, value: str) -> bool:
    """Whether there are runs with this tag, and all of them have ended."""
    return bool(tagged := _tagged(page, tag, value)) and all(run.has_ended for run in tagged)


def _kill(page: Page, run_id: str) -> None:
    """Kill a run's process as soon as it has one."""
    waited(lambda: page.run(run_id).process or page.end_of(run_id), f"the process of run {run_id}")
    process = page.run(run_id).process
    assert process is not None, f"it could not be started: {page.said_in(run_id)[-2000:]}"
    os.kill(process, signal.SIGKILL)
