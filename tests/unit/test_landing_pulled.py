"""Pulls that land: parts of a real SQLite database become batches, watermarks follow them, and deletions are rows."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from fxiaoke_server import FxiaokeServer, milliseconds
from landing_workshop import NOW, Workshop
from pydantic import SecretStr
from zoho_server import ZohoServer, zoho_time

from dagster_project.landing import BadRowsLimitExceeded, LandedRead, LandingResult, land
from dagster_project.landing.deletions import TooManyGone
from dagster_project.landing.intake import mappings
from dagster_project.landing.pulled import pull_of
from dagster_project.landing.quarantine import list_quarantine, replay_quarantine
from dagster_project.privacy.forgetting import Asked, forget
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets
from dagster_project.settings.publishing import PublishingSettings
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable, Spool

ORDERS = """
  - name: shop
    kind: database
    time_zone: UTC
    reads:
      - entity: orders
        table: orders
        watermark: changed
        overlap_minutes: 0
        compare_keys_days: 1
        rows_per_batch: {rows}
        columns:
          order_id: no
          customer_ref: buyer
          ordered_at: {{from: at, formats: [iso]}}
          gross_amount: total
          updated_at: {{from: changed, formats: [iso]}}
          status: {{from: state, values: {{ok: completed, off: cancelled}}}}
"""
CUSTOMERS = """
  - name: crm
    kind: database
    time_zone: UTC
    reads:
      - entity: customers
        table: people
        links: {shop: shop_ref}
        columns: {customer_ref: id, name: name, phone: phone, email: email, registered_on: since}
"""
DEALS = """
  - name: crm
    kind: database
    time_zone: UTC
    reads:
      - entity: opportunities
        table: deals
        columns: {opportunity_id: id, customer_ref: who, status: status, updated_at: changed}
"""


class Pulls(Workshop):
    """A workshop whose sources are SQLite databases: one a source, `<name>.sqlite` beside the data folder."""

    def database(self, name: str) -> Path:
        return self.root / f"{name}.sqlite"

    def run(self, source: str, *statements: str) -> None:
        """Change a source's database."""
        with sqlite3.connect(self.database(source)) as con:
            for statement in statements:
                con.execute(statement)
        con.close()

    def settings(self, sources: str, *, limit: float = 1.0) -> Settings:
        made = super().settings(sources, limit=limit)
        urls = {
            f"STRATA_{each.name.upper()}_URL": SecretStr(f"sqlite:///{self.database(each.name)}")
            for each in made.sources.sources
        }
        return replace(made, environment=replace(made.environment, secrets=Secrets(urls)))

    def land(self, sources: str, *, limit: float = 1.0, now: datetime = NOW) -> LandingResult:
        return land(self.settings(sources, limit=limit), now=now)

    def counts(self, sources: str, **settings: Any) -> list[tuple[int, int, int, int]]:
        """new, changed, unchanged and rejected of each batch that lands now."""
        return [(b.new, b.changed, b.unchanged, b.rejected) for b in self.land(sources, **settings).batches]

    def current(self, entity: str, key: str, columns: str) -> list[tuple[Any, ...]]:
        """The rows as staging sees them: the newest version of each key that is not deleted."""
        times = "updated_at desc nulls last, " if entity != "consents" else ""
        return self.rows(
            f"select {columns} from (select * from {entity} qualify row_number() over (partition by source, {key} "
            f"order by {times}batch_sequence desc, row_number desc) = 1) where not is_deleted order by {key}"
        )

    @property
    def watermarks(self) -> list[str | None]:
        return [batch.watermark for batch in self.manifest.batches]


def orders(*, rows: int = 100) -> str:
    return ORDERS.format(rows=rows)


@pytest.fixture
def pulls(tmp_path: Path) -> Pulls:
    """A shop with no order and a CRM with nobody."""
    made = Pulls(tmp_path)
    made.run("shop", "create table orders (no text, buyer text, at text, total text, changed text, state text)")
    made.run(
        "crm",
        "create table people (id text, name text, phone text, email text, since text, shop_ref text)",
        "create table deals (id text, who text, status text, changed text)",
    )
    return made


def order(number: int, *, total: object = 5, changed: str | None = None, state: str = "ok", at: str = "") -> str:
    day = f"2024-01-{number % 28 + 1:02}"
    return (
        f"insert into orders values ('{number}', 'b{number % 3}', '{at or day}', '{total}', "
        f"'{changed or f'{day} 10:00:00'}', '{state}')"
    )


def some_orders(numbers: Iterable[int]) -> list[str]:
    return [order(number) for number in numbers]


def test_a_pull_lands_once_and_the_next_asks_for_what_is_newer(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(5)))
    assert pulls.counts(orders())[0] == (5, 0, 0, 0)
    pulls.run("shop", order(9), "update orders set total = 7, changed = '2024-01-20 00:00:00' where no = '2'")
    # What equals the watermark is read again: rows of one moment may have come one after another.
    assert pulls.counts(orders())[0] == (1, 1, 1, 0)
    assert [row[0] for row in pulls.rows("select source_file from orders group by all")] == ["database:orders"]


def test_every_part_is_a_batch_and_rows_read_are_accepted_or_rejected_over_all(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(23)), order(25, total="x"), order(26, state="odd"))
    batches = [batch for batch in pulls.land(orders(rows=10)).batches if batch.rows_read]
    assert len(batches) > 2
    assert sum(batch.rows_read for batch in batches) == 25
    assert sum(batch.accepted for batch in batches) == 23
    assert sum(batch.rejected for batch in batches) == 2
    [total] = pulls.manifest.row_counts()
    assert (total.rows_read, total.accepted, total.rejected) == (25, 23, 2)
    assert all(batch.watermark and batch.is_pulled for batch in batches)
    assert list((pulls.paths.landing / "temporary").iterdir()) == []


KILL = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from test_landing_pulled import NOW, Pulls, orders
from dagster_project.landing import batches, committing, land

at, moment = int(sys.argv[3]), sys.argv[4]
written = 0

def counted_entry(landing, made, write=batches.write_entry):
    global written
    written += 1
    if written == at and moment == "before the entry":
        os.kill(os.getpid(), signal.SIGKILL)
    write(landing, made)
    if written == at:
        os.kill(os.getpid(), signal.SIGKILL)

committing.write_entry = counted_entry
land(Pulls(Path(sys.argv[2])).settings(orders(rows=10)), now=NOW)
"""


@pytest.mark.parametrize("moment", ["before the entry", "after the entry"])
def test_a_killed_pull_goes_on_after_the_last_part_that_landed(pulls: Pulls, moment: str) -> None:
    pulls.run("shop", *some_orders(range(28)))
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", KILL, here, str(pulls.root), "2", moment]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, str(Path(here).parent)])}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    landed = 10 if moment == "before the entry" else 20
    assert pulls.rows("select count(*) from orders") == [(landed,)]
    left = [path for path in (pulls.paths.landing / "temporary").rglob("*") if path.is_file()]
    assert left, "the killed pull had spooled rows"
    counts = pulls.counts(orders(rows=10))
    assert sum(new for new, *_ in counts) == 28 - landed
    # What equals the watermark is read again and known; nothing that landed before it is asked for again.
    assert sum(unchanged for *_, unchanged, _ in counts) <= 1
    assert not any(path.exists() for path in left)
    assert pulls.rows("select count(*), count(distinct order_id) from orders") == [(28, 28)]
    assert list((pulls.paths.landing / "temporary").iterdir()) == []


def test_a_part_that_is_refused_keeps_the_watermark_of_the_part_before(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(10)), *(order(number, total="x") for number in range(10, 20)))
    with pytest.raises(BadRowsLimitExceeded, match=r"10 of 10 rows .* pulls them again"):
        pulls.land(orders(rows=10), limit=0.2)
    assert pulls.rows("select count(*) from orders") == [(10,)]
    assert list((pulls.paths.landing / "temporary").iterdir()) == []
    pulls.run("shop", "update orders set total = '6' where total = 'x'")
    counts = pulls.counts(orders(rows=10), limit=0.2)
    assert sum(new for new, *_ in counts) == 10


def test_a_bad_row_of_a_small_pull_does_not_stop_it_and_a_wrong_mapping_does(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(3)), order(4, total="x"))
    assert pulls.counts(orders(), limit=0.02)[0] == (3, 0, 0, 1)
    wrong = orders().replace("ok: completed", "okay: completed")
    pulls.run("shop", *some_orders(range(5, 8)))
    with pytest.raises(BadRowsLimitExceeded, match="status"):
        pulls.land(wrong, limit=0.02)


def test_a_changed_mapping_pulls_everything_again_and_equal_rows_are_unchanged(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(4)), order(5, state="off"))
    pulls.land(orders())
    wider = orders().replace("gross_amount: total", "gross_amount: total\n          channel: {constant: web}")
    assert pulls.counts(wider)[0] == (0, 5, 0, 0)
    renamed = orders().replace("gross_amount: total", "gross_amount: [total, sum]")
    assert pulls.counts(renamed)[0] == (0, 5, 0, 0)
    assert pulls.counts(orders().replace("gross_amount: total", "gross_amount: [total, amount]"))[0] == (0, 0, 5, 0)
    # Back to a mapping that it had: what landed in between did so with another one.
    assert pulls.counts(wider)[0] == (0, 5, 0, 0)
    [total] = pulls.manifest.row_counts()
    assert (total.rows_read, total.accepted, total.rejected) == (5, 5, 0)


def test_a_changed_size_of_parts_or_overlap_pulls_nothing_again(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(5)))
    pulls.land(orders())
    assert pulls.counts(orders(rows=2).replace("overlap_minutes: 0", "overlap_minutes: 1")) == []


def test_nothing_new_makes_no_entry(pulls: Pulls) -> None:
    assert [read.note for read in pulls.land(DEALS).reads] == ["nothing new"]
    pulls.land(orders())
    before = pulls.manifest.batches
    assert {read.note for read in pulls.land(orders()).reads} == {"nothing new"}
    assert pulls.manifest.batches == before


def test_a_watermark_that_only_moves_on_is_noted_once_a_day(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    deal = {"id": "1", "Stage": "Won", "Modified_Time": zoho_time(NOW - timedelta(days=3))}
    with ZohoServer({"Deals": [deal]}) as server:
        settings = workshop.settings(server.settings("crm") + ZOHO_DEALS)
        settings = replace(settings, environment=replace(settings.environment, secrets=server.secrets("crm")))
        first = land(settings, now=NOW).batches
        assert sum(batch.new for batch in first) == 1
        for hours in (1, 12, 23):
            assert land(settings, now=NOW + timedelta(hours=hours)).batches == []
        noted = land(settings, now=NOW + timedelta(hours=25)).batches
        assert sum(batch.stored for batch in noted) == 0
        assert {batch.watermark for batch in noted}.isdisjoint({None, first[-1].watermark})
        assert land(settings, now=NOW + timedelta(hours=26)).batches == []


ZOHO_DEALS = """
    reads:
      - entity: opportunities
        module: Deals
        full_load: pages
        columns: {opportunity_id: id, status: {from: Stage, values: {Won: won}}, updated_at: Modified_Time}
"""


def test_a_column_that_is_not_there_is_refused_with_its_place(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(3)))
    with pytest.raises(SourceError, match="total_sum"):
        pulls.land(orders().replace("gross_amount: total", "gross_amount: total_sum"))
    assert pulls.manifest.batches == ()


def test_deleted_orders_land_once_as_deleted_rows(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(6)))
    pulls.land(orders())
    pulls.run("shop", "delete from orders where no in ('2', '4')")
    later = NOW + timedelta(days=2)
    batch = pulls.land(orders(), now=later).batches[-1]
    assert (batch.new, batch.changed, batch.unchanged, batch.rows_read, batch.accepted) == (0, 2, 0, 2, 2)
    assert batch.earliest_changed_on == date(2024, 1, 2)  # the business day in New York of the older one
    assert [row[0] for row in pulls.current("orders", "order_id", "order_id")] == ["0", "1", "3", "5"]
    kept = pulls.rows(
        "select gross_amount::varchar, customer_ref, updated_at from orders where is_deleted order by all"
    )
    assert kept == [("5.00", "b1", later), ("5.00", "b2", later)]
    again = pulls.land(orders(), now=later + timedelta(days=2)).batches
    assert sum(batch.stored for batch in again) == 0


def test_a_deleted_record_that_comes_back_is_there_again(pulls: Pulls) -> None:
    pulls.run("crm", *(f"insert into deals values ('{n}', 'a', 'open', '2024-01-0{n}')" for n in range(1, 5)))
    pulls.land(DEALS)
    for cycle in range(1, 3):
        pulls.run("crm", "delete from deals where id = '3'")
        pulls.land(DEALS, now=NOW + timedelta(days=2 * cycle))
        assert len(pulls.current("opportunities", "opportunity_id", "opportunity_id")) == 3
        # As it was: its own time of change is older than its deletion.
        pulls.run("crm", "insert into deals values ('3', 'a', 'open', '2024-01-03')")
        pulls.land(DEALS, now=NOW + timedelta(days=2 * cycle + 1))
        assert [row[0] for row in pulls.current("opportunities", "opportunity_id", "opportunity_id")] == list("1234")
    assert sum(batch.stored for batch in pulls.land(DEALS, now=NOW + timedelta(days=9)).batches) == 0
    pulls.run("crm", "update deals set status = 'won', changed = '2024-06-01' where id = '3'")
    pulls.land(DEALS, now=NOW + timedelta(days=99))
    assert pulls.current("opportunities", "opportunity_id", "status")[2] == ("won",)


def test_a_record_without_a_time_of_change_comes_back_and_changes_again(pulls: Pulls) -> None:
    timeless = DEALS.replace(", updated_at: changed", "")
    pulls.run("crm", *(f"insert into deals values ('{n}', 'a', 'open', null)" for n in (1, 2)))
    pulls.land(timeless)
    pulls.run("crm", "delete from deals where id = '2'")
    pulls.land(timeless, now=NOW + timedelta(days=1))
    assert pulls.current("opportunities", "opportunity_id", "opportunity_id") == [("1",)]
    pulls.run("crm", "insert into deals values ('2', 'a', 'open', null)")
    pulls.land(timeless, now=NOW + timedelta(days=2))
    assert pulls.current("opportunities", "opportunity_id", "status") == [("open",), ("open",)]
    pulls.run("crm", "update deals set status = 'lost' where id = '2'")
    pulls.land(timeless, now=NOW + timedelta(days=3))
    assert pulls.current("opportunities", "opportunity_id", "status") == [("open",), ("lost",)]


def test_an_older_version_that_is_read_again_does_not_bring_back_what_its_source_says_is_deleted(pulls: Pulls) -> None:
    logged = DEALS.replace(
        "updated_at: changed", "updated_at: changed, is_deleted: {from: who, values: {a: false, b: true}}"
    )
    pulls.run("crm", "insert into deals values ('1', 'a', 'open', '2024-01-01'), ('1', 'b', 'open', '2024-01-02')")
    pulls.land(logged)
    assert pulls.current("opportunities", "opportunity_id", "opportunity_id") == []
    pulls.run("crm", "insert into deals values ('2', 'a', 'open', '2024-01-03')")
    pulls.land(logged, now=NOW + timedelta(days=1))
    assert pulls.current("opportunities", "opportunity_id", "opportunity_id") == [("2",)]


def person(number: int, *, name: str = "Ann") -> str:
    return (
        f"insert into people values ('{number}', '{name}', '+1 212 555 01{number:02}', 'p{number}@example.com', "
        f"'2024-01-{number:02}', 's{number}')"
    )


def test_a_deleted_customer_leaves_no_personal_value_in_the_newest_version(pulls: Pulls) -> None:
    pulls.run("crm", *(person(number) for number in range(1, 5)))
    pulls.land(CUSTOMERS + SHOP_FILES)
    pulls.run("crm", "delete from people where id = '2'")
    result = pulls.land(CUSTOMERS + SHOP_FILES, now=NOW + timedelta(days=1))
    [batch] = [each for each in result.batches if each.entity == "customers" and each.stored]
    assert batch.earliest_changed_on == date(2024, 3, 2)  # who was a customer until then stays one until then
    assert [row[0] for row in pulls.current("customers", "customer_ref", "customer_ref")] == ["1", "3", "4"]
    newest = pulls.rows(
        "select customer_ref, name, phone from customers_personal "
        "qualify row_number() over (partition by customer_ref order by batch_sequence desc) = 1 order by 1"
    )
    assert newest[1] == ("2", None, None)
    assert newest[0][1] == "Ann"


SHOP_FILES = """
  - {name: shop, reads: [{entity: orders, path: "inbox/*.csv", columns: {order_id: a, customer_ref: b, ordered_at: c,
     gross_amount: d}}]}
"""
LINKS = (
    "select linked_source, linked_ref from (select * from customer_links qualify row_number() over "
    "(partition by customer_ref, linked_source order by batch_sequence desc, row_number desc) = 1) "
    "where not is_deleted order by customer_ref"
)


def test_links_of_a_deleted_customer_go_and_come_back_with_it(pulls: Pulls) -> None:
    sources = CUSTOMERS + SHOP_FILES
    pulls.run("crm", *(person(number) for number in (1, 2)))
    pulls.land(sources)
    assert pulls.rows(LINKS) == [("shop", "s1"), ("shop", "s2")]
    pulls.run("crm", "delete from people where id = '1'")
    pulls.land(sources, now=NOW + timedelta(days=1))
    assert pulls.rows(LINKS) == [("shop", "s2")]
    pulls.run("crm", person(1))
    pulls.land(sources, now=NOW + timedelta(days=2))
    assert pulls.rows(LINKS) == [("shop", "s1"), ("shop", "s2")]


def test_a_customer_without_a_day_marks_the_day_of_the_deletion(pulls: Pulls) -> None:
    dateless = CUSTOMERS.replace(", registered_on: since", "")
    pulls.run("crm", person(1), person(2))
    pulls.land(dateless + SHOP_FILES)
    pulls.run("crm", "delete from people where id = '1'")
    result = pulls.land(dateless + SHOP_FILES, now=datetime(2024, 5, 6, 2, tzinfo=UTC))
    [batch] = [each for each in result.batches if each.entity == "customers" and each.stored]
    assert batch.earliest_changed_on == date(2024, 5, 5)  # the business day in New York


def test_hashed_references_are_deleted_by_their_hash(tmp_path: Path) -> None:
    pulls = Pulls(tmp_path, hash_key="a key of the test")
    pulls.run("crm", "create table people (id text, name text)")
    pulls.run("crm", *(f"insert into people values ('{n}', 'Ann')" for n in range(4)))
    sources = """
  - name: crm
    kind: database
    reads: [{entity: customers, table: people, columns: {customer_ref: {from: id, hash: true}, name: name}}]
"""
    pulls.land(sources)
    pulls.run("crm", "delete from people where id = '3'")
    batch = [each for each in pulls.land(sources, now=NOW + timedelta(days=1)).batches if each.stored][-1]
    assert (batch.changed, batch.stored) == (1, 1)
    assert len(pulls.current("customers", "customer_ref", "customer_ref")) == 3


TWO_READS = """
  - name: crm
    kind: database
    reads:
      - {entity: customers, table: people, columns: {customer_ref: id, name: name}}
      - {entity: customers, table: archive, columns: {customer_ref: id, name: name}}
"""


def test_comparing_the_keys_of_one_read_leaves_another_reads_records(pulls: Pulls) -> None:
    pulls.run("crm", "create table archive (id text, name text)", *(person(number) for number in (1, 2, 3)))
    pulls.run("crm", "insert into archive values ('7', 'Old')")
    pulls.land(TWO_READS)
    # One moves to the archive, one is gone for good.
    pulls.run("crm", "delete from people where id in ('1', '2')", "insert into archive values ('1', 'Ann')")
    pulls.land(TWO_READS, now=NOW + timedelta(days=1))
    pulls.land(TWO_READS, now=NOW + timedelta(days=2))
    assert pulls.current("customers", "customer_ref", "customer_ref") == [("1",), ("3",), ("7",)]


class NoTargets:
    """Publishes nothing: there is no warehouse."""

    def publish(self, warehouse: Any, days: Any) -> None:
        raise AssertionError

    def draw_lists(self, warehouse: Any, day: Any) -> None:
        raise AssertionError


def test_orders_of_who_was_erased_stay_though_no_key_of_the_system_names_them(
    pulls: Pulls, publishing_settings: PublishingSettings
) -> None:
    pulls.run("shop", *some_orders(range(9)))
    pulls.land(orders())
    settings = pulls.settings(orders())
    environment = replace(settings.environment, hash_key=SecretStr("secret"))
    settings = replace(settings, environment=environment, publishing=publishing_settings)
    forget(settings, [Asked("shop:b1", "", [])], NoTargets(), clock=lambda: NOW, who="officer", say=lambda _: None)
    pulls.run("shop", "update orders set total = '6', changed = '2024-02-20 10:00:00'")
    land(settings, now=NOW + timedelta(days=2))
    kept = pulls.current("orders", "order_id", "customer_ref, gross_amount::varchar")
    # Those of others are pulled with their new total; those of the erased are refused, and stay as they were.
    assert sorted(total for _, total in kept) == ["5.00"] * 3 + ["6.00"] * 6
    assert {ref for ref, total in kept if total == "6.00"} == {"b0", "b2"}
    assert not list_quarantine(pulls.paths).filter(pc.match_substring(pc.field("original"), "b1")).num_rows


def test_a_table_that_is_suddenly_all_but_empty_deletes_nothing(pulls: Pulls) -> None:
    pulls.run("shop", *some_orders(range(80)))
    pulls.land(orders())
    pulls.run("shop", "delete from orders where no not in ('1', '2')")
    later = NOW + timedelta(days=2)
    with pytest.raises(TooManyGone, match=r"78 of 80 records .* gone_records_limit: 1"):
        pulls.land(orders(), now=later)
    assert len(pulls.current("orders", "order_id", "order_id")) == 80
    stated = orders().replace("rows_per_batch", "gone_records_limit: 1\n        rows_per_batch")
    pulls.land(stated, now=later)
    assert len(pulls.current("orders", "order_id", "order_id")) == 2


def test_of_a_record_in_quarantine_the_newest_reading_is_listed_until_it_is_accepted(pulls: Pulls) -> None:
    pulls.run("shop", order(1), order(2, total="x"), order(3, total="y"))
    pulls.land(orders())
    pulls.run("shop", "update orders set total = 'xx', changed = '2024-02-01 00:00:00' where no = '2'")
    pulls.land(orders())
    listed = list_quarantine(pulls.paths)
    assert sorted(zip(listed["record"].to_pylist(), listed["reasons"].to_pylist(), strict=True)) == [
        ('["2"]', ["gross_amount is no number in the stated style: 'xx'"]),
        ('["3"]', ["gross_amount is no number in the stated style: 'y'"]),
    ]
    pulls.run("shop", "update orders set total = '9', changed = '2024-02-02 00:00:00' where no = '2'")
    pulls.land(orders())
    assert list_quarantine(pulls.paths)["record"].to_pylist() == ['["3"]']


def test_a_bad_row_that_the_overlap_brings_again_and_again_counts_once(pulls: Pulls) -> None:
    pulls.run("shop", order(1), order(2, total="x", changed="2024-02-01 00:00:00"))
    pulls.land(orders())
    # The second pull reads it alone, the third reads just that again.
    assert [batch.rejected for batch in pulls.land(orders()).batches if batch.rows_read] == [1]
    for _ in range(2):
        assert pulls.land(orders()).batches == []
    assert list_quarantine(pulls.paths)["record"].to_pylist() == ['["2"]']
    assert len(list((pulls.paths.landing / "quarantine").iterdir())) == 2


def test_a_mended_mapping_counts_each_pulled_row_once(pulls: Pulls) -> None:
    pulls.run("shop", order(1), order(2, state="odd"), order(3, state="odd"))
    pulls.land(orders())
    mended = orders().replace("off: cancelled", "off: cancelled, odd: pending")
    [replayed] = replay_quarantine(pulls.settings(mended), now=NOW).reads
    assert (replayed.batches, replayed.note) == ((), "the next landing pulls everything again with its mended mapping")
    assert pulls.counts(mended)[0] == (2, 0, 1, 0)
    assert list_quarantine(pulls.paths).num_rows == 0
    [total] = pulls.manifest.row_counts()
    assert (total.rows_read, total.accepted, total.rejected) == (3, 3, 0)
    assert replay_quarantine(pulls.settings(mended), now=NOW).reads == ()


def test_what_other_sources_hold_lands_when_one_does_not_answer(pulls: Pulls) -> None:
    pulls.run("crm", "insert into deals values ('1', 'a', 'open', '2024-01-03')")
    pulls.run("shop", *some_orders(range(3)))
    settings = pulls.settings(UNREACHABLE + DEALS + orders())
    urls = {**settings.environment.secrets.variables, "STRATA_FAR_URL": SecretStr(NOBODY)}
    settings = replace(settings, environment=replace(settings.environment, secrets=Secrets(urls)))
    said: list[str] = []
    landed: list[LandedRead] = []
    with pytest.raises(SourceUnavailable) as caught:
        land(settings, now=NOW, say=said.append, progress=landed.append)
    assert "far" in str(caught.value)
    assert "What the other sources hold has landed." in str(caught.value)
    assert "secret-word" not in str(caught.value)
    assert "far: did not answer; the other sources are read meanwhile" in said
    assert {read.source for read in landed} == {"crm", "shop"}
    assert pulls.rows("select (select count(*) from orders), (select count(*) from opportunities)") == [(3, 1)]


NOBODY = "postgresql://strata:secret-word@127.0.0.1:1/nobody"
UNREACHABLE = """
  - name: far
    kind: database
    attempts: 2
    longest_wait_seconds: 0.01
    reads: [{entity: customers, table: people, columns: {customer_ref: id, name: name}}]
"""


TENANT = """
  - name: crm
    kind: fxiaoke
    url: {url}
    http: {{timeout_seconds: 5, attempts: 1, longest_wait_seconds: 0}}
    reads:
      - entity: customers
        object: AccountObj
        rows_per_batch: 2
        columns:
          customer_ref: _id
          name: name
          city: city
          updated_at: {{from: last_modified_time, formats: epoch_ms}}
"""


def account(number: int, **fields: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=9) + timedelta(hours=number)
    return {"_id": f"a{number}", "name": f"商行{number}", "last_modified_time": milliseconds(at), **fields}


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Callable[..., LandingResult]]:
    """Lands what a 纷享销客 holds, whose records leave out what is empty."""
    workshop = Workshop(tmp_path)
    with FxiaokeServer({}) as server:

        def landed(*accounts: dict[str, Any]) -> LandingResult:
            server.become_new({"AccountObj": accounts})
            settings = workshop.settings(TENANT.format(url=server.url))
            return land(
                replace(settings, environment=replace(settings.environment, secrets=server.secrets("crm"))), now=NOW
            )

        yield landed


def test_what_no_record_of_a_later_part_holds_is_blank(tmp_path: Path, tenant: Callable[..., LandingResult]) -> None:
    tenant(account(1, city="昆明"), account(2), account(3), account(4), account(5))
    rows = Workshop(tmp_path).rows("select customer_ref, city from customers order by 1")
    assert rows == [("a1", "昆明"), ("a2", None), ("a3", None), ("a4", None), ("a5", None)]


def test_what_no_record_of_the_first_part_holds_is_refused_by_name(tenant: Callable[..., LandingResult]) -> None:
    with pytest.raises(SourceError, match="no column 'city'"):
        tenant(account(1), account(2), account(3, city="昆明"))


def test_half_a_character_is_replaced_and_costs_no_record(pulls: Pulls) -> None:
    settings = pulls.settings(orders())
    [source] = settings.sources.sources
    [mapping] = mappings(settings)
    asked = pull_of(settings, mapping, since=None, now=NOW, folder=pulls.root)
    with Spool(asked, source, source.reads[0], 1) as spool:
        spool.write({"name": "a\ud83d", "note": "\U0001f600"})
        part = spool.part(None)
    assert part.row_count == 1
    assert json.loads(part.file.path.read_text()) == {"name": "a\ufffd", "note": "\U0001f600"}
