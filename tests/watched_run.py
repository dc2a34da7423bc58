"""A run of the shop's second day that had to wait for another process, and what readers saw all the while."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
from shop_runs import SECOND_AS_OF, Shop, wait_until

OPENINGS_A_SECOND = 20
# Every day there is, in words that DuckDB and PostgreSQL know.
DAYS = """
    select segments.as_of_date::varchar, segments.customers, summary.customers::bigint
    from (
        select as_of_date, count(*) as customers from strata.customer_segments group by as_of_date
    ) as segments
    full join (
        select as_of_date, sum(customers) as customers
        from strata.segment_summary
        where dimension = 'lifecycle_stage' and breakdown = 'total'
        group by as_of_date
    ) as summary on segments.as_of_date = summary.as_of_date
    order by 1
"""
HOLDER = "a long backfill"
HOLD = """
import sys, time
from pathlib import Path
from dagster_project.warehouse import held, turn
take = {"held": held, "turn": turn}[sys.argv[3]]
with take(Path(sys.argv[1]), who=sys.argv[2], wait_seconds=5):
    print("holding", flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True)
class Day:
    """Customers of a day in two tables that must tell the same: rows of the segments, total of the summary."""

    as_of_date: str
    segments: int
    summary: int


@dataclass(frozen=True)
class Watched:
    """What the run printed and for whom it waited; what the readers saw before it, after it and at any time."""

    output: str
    holder_pid: int
    seconds: float
    openings: int
    faults: list[str]
    before: list[Day]
    after: list[Day]
    seen: list[list[Day]]


class Reader(threading.Thread):
    """Opens the serving copy many times a second and notes what it sees."""

    def __init__(self, shop: Shop, openings_a_second: int = OPENINGS_A_SECOND) -> None:
        super().__init__()
        self._path = str(shop.data / "published" / "serving" / "strata.duckdb")
        self._ends = threading.Event()
        self._pause = 1 / openings_a_second
        self.openings = 0
        self.faults: list[str] = []
        self.seen: set[tuple[Day, ...]] = set()

    def run(self) -> None:
        while not self._ends.is_set():
            began = time.monotonic()
            try:
                self.seen.add(self.look())
            except Exception as error:
                self.faults.append(repr(error))
            self.openings += 1
            self._ends.wait(max(0.0, self._pause - (time.monotonic() - began)))

    def end(self) -> None:
        self._ends.set()
        self.join()

    def look(self) -> tuple[Day, ...]:
        """Every day that is served."""
        with duckdb.connect(self._path, read_only=True) as con:
            return tuple(Day(*row) for row in con.execute(DAYS).fetchall())


@contextmanager
def warehouse_holder(shop: Shop, way: str = "held") -> Iterator[subprocess.Popen[str]]:
    """A process that has the shop's warehouse, or (`turn`) is between two steps of a run on it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(shop.settings.paths.warehouse), HOLDER, way],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield process
    finally:
        process.kill()
        process.wait()


def watch_a_run(shared_shop: Shop, folder: Path) -> None:
    """Copy the shop to `folder`, run its second day there, and leave beside it what was seen."""
    shop = shared_shop.copied_to(folder)
    reader = Reader(shop)
    before = reader.look()
    reader.start()
    began = time.monotonic()
    try:
        with warehouse_holder(shop) as holder, shop.started("run", "--as-of", str(SECOND_AS_OF)) as process:
            wait_until(lambda: "waiting for the warehouse" in shop.newest_log())
            holder.kill()
            output, _ = process.communicate(timeout=600)
    finally:
        reader.end()
    assert process.returncode == 0, output
    watched = Watched(
        output=output,
        holder_pid=holder.pid,
        seconds=time.monotonic() - began,
        openings=reader.openings,
        faults=reader.faults,
        before=list(before),
        after=list(reader.look()),
        seen=[list(days) for days in reader.seen],
    )
    (folder / "watched.json").write_text(json.dumps(asdict(watched)), encoding="utf-8")


def watched_in(folder: Path) -> Watched:
    """What `watch_a_run` left in `folder`."""
    told = json.loads((folder / "watched.json").read_text(encoding="utf-8"))
    days = {name: [Day(**day) for day in told[name]] for name in ("before", "after")}
    return Watched(**{**told, **days, "seen": [[Day(**day) for day in seen] for seen in told["seen"]]})
