"""What is past its age goes: lists, the text of refused rows, contact data of customers of whom nothing was heard."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import dagster as dg
import pyarrow.parquet as pq
import pytest
from landing_workshop import Workshop
from pydantic import SecretStr, ValidationError

from dagster_project.defs.purging import remove_aged_runs
from dagster_project.defs.runs import newest_runs, opened_instance
from dagster_project.landing.erased import ErasureUnfinished
from dagster_project.landing.quarantine import replay_quarantine
from dagster_project.privacy import rewriting
from dagster_project.privacy.plan import plan_file
from dagster_project.privacy.purging import PURGES, Removed, purge
from dagster_project.publishing.audit import LIST_EXPORTS, append_record, read_records
from dagster_project.publishing.lists import write_lists
from dagster_project.settings import Settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.settings.publishing import PublishingSettings

LANDED_AT = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
SOURCES = """
  - name: shop
    time_zone: America/New_York
    reads:
      - entity: orders
        path: inbox/orders*.csv
        columns: {order_id: id, customer_ref: buyer, ordered_at: at, gross_amount: amount}
      - entity: customers
        path: inbox/customers*.csv
        columns: {customer_ref: buyer, name: name, phone: phone, email: mail, created_at: since, updated_at: changed}
      - entity: consents
        path: inbox/consents.csv
        columns: {customer_ref: buyer, channel: channel, occurred_at: at, is_granted: granted, reason: why}
      - entity: interactions
        path: inbox/calls.csv
        columns: {interaction_id: id, customer_ref: buyer, occurred_at: at, channel: channel, direction: direction}
"""
ORDERS = """\
id,buyer,at,amount
A-1,ann,2020-05-01 12:00:00,10.00
B-1,bob,2021-02-10 12:00:00,20.00
X-1,xu,never,5.00
"""
# Only Ann was not heard of since 2021-02-01: the shop called her and its CRM touched her record, she did nothing.
CUSTOMERS = """\
buyer,name,phone,mail,since,changed
ann,Ann Archer-Zzyzx,+1 212-555-0101,ann@example.org,2020-01-01 09:00:00,2024-02-01 09:00:00
bob,Bob Birch-Qwxyz,+1 212-555-0102,bob@example.org,2020-01-01 09:00:00,2020-01-01 09:00:00
cat,Cat Cedar-Vvwww,+1 212-555-0103,cat@example.org,2020-01-01 09:00:00,2020-01-01 09:00:00
dan,Dan Dogwood-Kkqqq,+1 212-555-0104,dan@example.org,,
"""
CONSENTS = """\
buyer,channel,at,granted,why
ann,phone,2020-01-02 09:00:00,true,met Ann Archer-Zzyzx at the fair
"""
CALLS = """\
id,buyer,at,channel,direction
1,ann,2024-02-01 09:00:00,phone,outbound
2,cat,2021-02-01 09:00:00,phone,inbound
"""
OF_ANN = ("Archer-Zzyzx", "ann@example.org", "212-555-0101")
OF_OTHERS = ("Birch-Qwxyz", "Cedar-Vvwww", "Dogwood-Kkqqq", "bob@example.org")
# 2021-02-01 is exactly so many days before: Cat called on the last day that still counts.
NOW = datetime(2024, 3, 2, 12, 0, tzinfo=UTC)
KEPT = (NOW.date() - date(2021, 2, 1)).days


@dataclasses.dataclass(frozen=True)
class Installation:
    workshop: Workshop
    publishing: PublishingSettings

    def settings(self, *, url: str | None = None, **ages: int | None) -> Settings:
        settings = self.workshop.settings(SOURCES)
        retention = {"lists": None, "refused_rows": None, "contacts": None, **ages}
        document = {**self.publishing.model_dump(by_alias=True), "retention": retention}
        environment = dataclasses.replace(settings.environment, postgres_url=SecretStr(url) if url else None)
        return dataclasses.replace(
            settings, publishing=PublishingSettings.model_validate(document), environment=environment
        )

    def purge(self, *, now: datetime = NOW, is_dry_run: bool = False, **ages: int | None) -> list[Removed]:
        settings = self.settings(**ages)
        return purge(settings, now=now, who="officer", say=lambda _: None, is_dry_run=is_dry_run)

    def found(self, *texts: str) -> set[str]:
        """Which of `texts` stand in a file below data, the inbox apart; Parquet is read through."""
        content = b""
        for path in sorted(self.workshop.paths.data.rglob("*")):
            if path.is_file() and "inbox" not in path.parts:
                content += path.read_bytes()
                if path.suffix == ".parquet":
                    content += pq.read_table(path).to_pandas().to_csv().encode()
        return {text for text in texts if text.encode() in content}


@pytest.fixture
def installation(tmp_path: Path, publishing_settings: PublishingSettings) -> Installation:
    """Four customers, of one of whom nothing was heard for long, and one refused order."""
    workshop = Workshop(tmp_path, hash_key="secret")
    for name, text in (
        ("orders1.csv", ORDERS),
        ("customers1.csv", CUSTOMERS),
        ("consents.csv", CONSENTS),
        ("calls.csv", CALLS),
    ):
        workshop.write(name, text)
    workshop.land(SOURCES, now=LANDED_AT)
    return Installation(workshop, publishing_settings)


def test_contact_data_goes_of_whom_nothing_was_heard_and_of_nobody_else(installation: Installation) -> None:
    """Ordering, calling and registering tell of a customer; our own call and a record that was touched do not.

    Dan has no dated row and counts from the day on which he landed.
    """
    assert installation.found(*OF_ANN, *OF_OTHERS) == {*OF_ANN, *OF_OTHERS}
    removed = installation.purge(contacts=KEPT)
    assert removed == [Removed("landing/personal", "contact data (customers: 1)", KEPT, 2)]
    assert installation.found(*OF_ANN, *OF_OTHERS) == set(OF_OTHERS)


def test_the_day_on_which_a_customer_was_last_heard_of_decides(installation: Installation) -> None:
    """A day later Cat's call of 2021-02-01 is one day too old, and Bob's order of 2021-02-10 is not."""
    installation.purge(now=NOW + timedelta(days=1), contacts=KEPT)
    assert installation.found("Cedar-Vvwww", "Birch-Qwxyz") == {"Birch-Qwxyz"}


def test_the_customer_stays_with_orders_and_hashes_and_has_no_contact_point(installation: Installation) -> None:
    rows = installation.workshop.rows
    before = rows("select phone_hash, email_hash, is_phone_valid from customers where customer_ref = 'ann'")
    orders = rows("select * from orders")
    assert before[0][0]
    assert before[0][2] is True
    installation.purge(contacts=KEPT)
    after = rows("select phone_hash, email_hash, is_phone_valid from customers where customer_ref = 'ann'")
    assert after == [(*before[0][:2], None)]
    assert rows("select * from orders") == orders
    others = rows("select distinct is_phone_valid from customers where customer_ref <> 'ann'")
    assert others == [(True,)]


def test_a_full_export_does_not_bring_back_what_went(installation: Installation) -> None:
    installation.purge(contacts=KEPT)
    installation.workshop.write("customers2.csv", CUSTOMERS + "eve,Eve Elm,,,2024-03-02 09:00:00,\n")
    installation.workshop.land(SOURCES, now=NOW)
    assert installation.found(*OF_ANN, "Eve Elm") == {"Eve Elm"}


def test_contact_data_comes_back_when_the_customer_does(installation: Installation) -> None:
    installation.purge(contacts=KEPT)
    installation.workshop.write("orders2.csv", "id,buyer,at,amount\nA-2,ann,2024-03-01 12:00:00,7.00\n")
    installation.workshop.land(SOURCES, now=NOW)
    assert installation.purge(contacts=KEPT) == []
    installation.workshop.write("customers2.csv", CUSTOMERS + "\n")
    installation.workshop.land(SOURCES, now=NOW)
    newest = "select name, phone from customers_personal where customer_ref = 'ann'"
    assert installation.workshop.rows(newest) == [("Ann Archer-Zzyzx", "+1 212-555-0101")]
    valid = "select is_phone_valid from customers where customer_ref = 'ann' order by batch_sequence desc limit 1"
    assert installation.workshop.rows(valid) == [(True,)]
    assert installation.purge(contacts=KEPT) == []


def test_the_text_of_refused_rows_goes_and_their_number_and_reasons_stay(installation: Installation) -> None:
    counts = installation.workshop.manifest.row_counts()
    [(_, kind, reasons, original)] = installation.workshop.quarantine()
    assert "X-1" in original
    assert installation.purge(refused_rows=1) == []  # refused yesterday: one day old
    removed = installation.purge(now=NOW + timedelta(days=1), refused_rows=1)
    assert removed == [Removed("landing/quarantine", "text of refused rows (readings: 1)", 1, 1)]
    assert [row[1:] for row in installation.workshop.quarantine()] == [(kind, reasons, "{}")]
    assert installation.workshop.manifest.row_counts() == counts
    assert installation.found("X-1,", '"X-1"') == set()
    assert installation.purge(now=NOW + timedelta(days=1), refused_rows=1) == []


def test_a_refused_row_without_text_is_not_read_again_and_the_message_says_what_to_do(
    installation: Installation,
) -> None:
    installation.purge(now=NOW + timedelta(days=1), refused_rows=1)
    (installation.workshop.inbox / "orders1.csv").unlink()
    mended = installation.workshop.settings(SOURCES.replace("ordered_at: at", "ordered_at: [at, when]"))
    counts = installation.workshop.manifest.row_counts()
    [note] = {read.note for read in replay_quarantine(mended, now=NOW).reads}
    assert note == "the text of its rows was removed; put the file back"
    assert installation.workshop.manifest.row_counts() == counts


def test_lists_go_by_the_day_on_which_they_were_last_written(installation: Installation) -> None:
    """A list of 2017 that was drawn yesterday is new; one that no record tells of is as old as its day."""
    paths = installation.workshop.paths
    for day in ("2017-12-31", "2023-12-01", "2024-02-20"):
        (paths.lists / day).mkdir(parents=True)
        (paths.lists / day / "email.csv").write_text("Ann")
    (paths.lists / "read me.txt").write_text("not ours")
    append_record(paths.audit / LIST_EXPORTS, {"at": "2017-01-01T09:00:00+00:00", "day": "2017-12-31"})
    append_record(paths.audit / LIST_EXPORTS, {"at": "2024-03-01T09:00:00+00:00", "day": "2017-12-31"})
    assert installation.purge(lists=30) == [Removed("lists", "files of lists (days: 1)", 30, 1)]
    assert sorted(path.name for path in paths.lists.iterdir()) == ["2017-12-31", "2024-02-20", "read me.txt"]


def test_rows_of_lists_go_from_postgresql_too(
    tmp_path: Path, publishing_settings: PublishingSettings, marts: Any, postgres_server: str
) -> None:
    day = date(2018, 1, 1)
    document = publishing_settings.model_dump(by_alias=True)
    named = {**document, "postgres": {"schema": "purged"}, "lists": {"postgres": {"enabled": True}}}
    installation = Installation(Workshop(tmp_path), PublishingSettings.model_validate(named))
    settings = installation.settings(url=postgres_server, lists=30)
    written_at = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)
    lists = write_lists(
        marts,
        paths=settings.paths,
        settings=settings.publishing,
        day=day,
        currency="USD",
        now=written_at,
        who="strata run",
        why="daily list",
        postgres_url=settings.environment.postgres_url,
    )
    rows = sum(entry.rows for entry in lists.lists)
    assert rows

    def purged(now: datetime) -> list[Removed]:
        return purge(settings, now=now, who="officer", say=lambda _: None)

    assert purged(written_at + timedelta(days=30)) == []
    [files, stored] = purged(written_at + timedelta(days=31))
    assert (files.place, files.what) == ("lists", "files of lists (days: 1)")
    assert stored == Removed("PostgreSQL, schema purged_personal", "rows of lists (days: 1)", 30, rows)
    with adbc_driver_postgresql.dbapi.connect(postgres_server) as target, target.cursor() as cursor:
        cursor.execute(
            "select (select count(*) from purged_personal.lists), (select count(*) from purged_personal.list_exports)"
        )
        assert cursor.fetchall() == [(0, 0)]


def test_a_dry_run_counts_the_same_and_removes_nothing(installation: Installation) -> None:
    paths = installation.workshop.paths
    (paths.lists / "2023-12-01").mkdir(parents=True)
    (paths.lists / "2023-12-01" / "email.csv").write_text("Ann")
    ages: dict[str, int | None] = {"lists": 30, "refused_rows": 1, "contacts": KEPT}
    later = NOW + timedelta(days=2)

    def files() -> dict[Path, bytes]:
        there = (path for path in paths.data.rglob("*") if path.is_file() and path.name != "landing.lock")
        return {path: path.read_bytes() for path in there}

    before = files()
    counted = installation.purge(now=later, is_dry_run=True, **ages)
    assert files() == before
    assert installation.purge(now=later, **ages) == counted
    assert {each.place for each in counted} == {"lists", "landing/quarantine", "landing/personal"}


def test_what_went_is_on_record_without_saying_whose_it_was(installation: Installation) -> None:
    removed = installation.purge(contacts=KEPT)
    [record] = read_records(installation.workshop.paths.audit / PURGES)
    assert {"at": record["at"], "who": record["who"], "why": record["why"]} == {
        "at": NOW.isoformat(),
        "who": "officer",
        "why": "strata purge",
    }
    assert record["removed"] == [dataclasses.asdict(each) for each in removed]
    assert installation.purge(contacts=KEPT) == []
    assert len(read_records(installation.workshop.paths.audit / PURGES)) == 1


def test_nothing_goes_that_has_no_age(installation: Installation) -> None:
    assert installation.purge(now=NOW + timedelta(days=20_000)) == []


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


@pytest.mark.parametrize("entries", [1, 2])
def test_a_killed_purge_is_finished_by_the_next_one(
    entries: int, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(real: Callable[..., Any]) -> Callable[..., Any]:
        calls = iter(range(1, 100))

        def step(*words: Any) -> Any:
            done = real(*words)
            if next(calls) == entries:
                raise Killed
            return done

        return step

    orders = installation.workshop.rows("select * from orders")
    with monkeypatch.context() as patched:
        patched.setattr(rewriting, "write_entry", killed(rewriting.write_entry))
        with pytest.raises(Killed):
            installation.purge(contacts=KEPT)
    installation.purge(contacts=KEPT)
    assert installation.found(*OF_ANN, *OF_OTHERS) == set(OF_OTHERS)
    assert installation.workshop.rows("select * from orders") == orders


def test_nothing_is_removed_while_an_erasure_is_unfinished(installation: Installation) -> None:
    plan = plan_file(installation.workshop.paths)
    plan.parent.mkdir(parents=True)
    plan.write_text("{}")
    with pytest.raises(ErasureUnfinished, match=r"strata forget --resume"):
        installation.purge(contacts=KEPT)
    assert installation.found(*OF_ANN) == set(OF_ANN)


@pytest.mark.parametrize("age", [0, -1, 1.5, "90"])
def test_an_age_that_is_no_number_of_days_is_refused(age: Any, installation: Installation) -> None:
    with pytest.raises(ValidationError, match="retention"):
        installation.settings(lists=age)


def test_old_logs_go_and_newer_ones_stay(installation: Installation) -> None:
    logs = installation.workshop.paths.logs
    logs.mkdir(parents=True, exist_ok=True)
    for name, age in (("daily-old.log", 31), ("daily-new.log", 29)):
        (logs / name).write_text("said")
        written = (NOW - timedelta(days=age)).timestamp()
        os.utime(logs / name, (written, written))
    expected = [Removed("logs", "logs of runs", 30, 1)]
    assert installation.purge(logs=30, is_dry_run=True) == expected
    assert installation.purge(logs=30) == expected
    assert [path.name for path in logs.glob("*.log")] == ["daily-new.log"]


def test_runs_that_ended_long_ago_go_and_those_at_work_stay(installation: Installation) -> None:
    settings, kept = installation.settings(), installation.settings(runs=30)

    @dg.op
    def work() -> None: ...

    @dg.job
    def one() -> None:
        work()

    paths = dataclasses.replace(kept.paths, root=PROJECT_ROOT)
    with opened_instance(paths) as instance:
        one.execute_in_process(instance=instance)
        instance.create_run_for_job(one, status=dg.DagsterRunStatus.STARTED)
        now = datetime.now(UTC)
        assert remove_aged_runs(instance, settings, now=now + timedelta(days=999)) == [], "null keeps them"
        assert remove_aged_runs(instance, kept, now=now + timedelta(days=29)) == []
        expected = [Removed("dagster", "runs with their events", 30, 1)]
        assert remove_aged_runs(instance, kept, now=now + timedelta(days=31), is_dry_run=True) == expected
        assert remove_aged_runs(instance, kept, now=now + timedelta(days=31)) == expected
        assert [status for _, _, _, status, _ in newest_runs(instance, 10)] == ["started"]
