"""Erasing from landed batches: lines, corrections, refunds, refused rows; interrupted anywhere; and landing again."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from landing_workshop import Workshop
from pydantic import SecretStr

from dagster_project.contract.contact_points import keyed_hash
from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import StrataError
from dagster_project.identity.registry import append_references, read_registry
from dagster_project.landing.erased import (
    Erased,
    ErasedRows,
    ErasureUnfinished,
    key_check,
    log_file,
    read_log,
    write_log,
)
from dagster_project.privacy import forgetting
from dagster_project.privacy.claims import Keys
from dagster_project.privacy.forgetting import Asked, ErasureFailed, erased_who_are_back, forget, resume
from dagster_project.privacy.holdings import find_held
from dagster_project.privacy.objections import PROFILING_CHOICES, read_choices, record_choice
from dagster_project.privacy.plan import plan_file
from dagster_project.privacy.postgres import held_in_postgres
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Settings
from dagster_project.settings.publishing import PublishingSettings

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SOURCES = """
  - name: shop
    time_zone: America/New_York
    reads:
      - entity: orders
        path: inbox/orders*.csv
        columns: {order_id: id, customer_ref: buyer, ordered_at: at, gross_amount: amount, region: state,
                  updated_at: changed}
      - entity: order_lines
        path: inbox/lines*.csv
        columns: {order_id: id, line_number: line, product_id: product, quantity: pieces, line_amount: amount}
      - entity: refunds
        path: inbox/refunds.csv
        columns: {refund_id: id, order_id: order, refunded_at: at, amount: amount}
      - entity: customers
        path: inbox/customers*.csv
        columns: {customer_ref: buyer, name: name, phone: phone, email: mail}
"""
ORDERS = """\
id,buyer,at,amount,state,changed
A-1,ann,2024-01-05 23:30:00,10.00,NY,2024-01-06 08:00:00
A-2,ann,2024-01-09 12:00:00,20.50,NY,2024-01-09 12:00:00
B-1,bob,2024-01-09 12:00:00,7.00,NJ,2024-01-09 12:00:00
A-9,ann,never,5.00,NY,2024-01-09 12:00:00
"""
# A-1 is corrected by a newer file, and B-1 was Bob's all the time though a first export said otherwise.
CORRECTIONS = """\
id,buyer,at,amount,state,changed
A-1,ann,2024-01-05 23:30:00,11.25,NY,2024-01-07 08:00:00
B-1,ann,2024-01-09 12:00:00,7.00,NJ,2024-01-08 12:00:00
"""
LINES = """\
id,line,product,pieces,amount
A-1,1,tea,1,10.00
A-2,1,tea,2,15.50
A-2,2,cup,1,5.00
B-1,1,cup,1,7.00
"""
CORRECTED_LINES = """\
id,line,product,pieces,amount
A-1,1,tea,1,6.25
A-1,2,cup,1,5.00
"""
REFUNDS = """\
id,order,at,amount
R-1,A-2,2024-02-01 10:00:00,3.00
R-2,B-1,2024-02-01 10:00:00,1.00
"""
# Both live in one household, and share its phone.
CUSTOMERS = """\
buyer,name,phone,mail
ann,Ann Archer-Zzyzx,+1 212-555-0101,ann@example.org
bob,Bob Birch-Qwxyz,+1 212-555-0101,bob@example.org
"""
MOVED = """\
buyer,name,phone,mail
ann,Ann Archer-Zzyzx,+1 212-555-0102,ann@example.org
"""
PERSONAL = ("Archer-Zzyzx", "ann@example.org", "212-555-0102")


class NoTargets:
    """Publishes nothing."""

    def publish(self, warehouse: Any, days: Any) -> None:
        raise AssertionError("there is no warehouse to publish from")

    def draw_lists(self, warehouse: Any, day: Any) -> None:
        raise AssertionError("there is no list")


@dataclasses.dataclass(frozen=True)
class Installation:
    workshop: Workshop
    publishing: PublishingSettings

    def settings(self, sources: str = SOURCES) -> Settings:
        settings = self.workshop.settings(sources)
        key = SecretStr("secret")
        environment = dataclasses.replace(settings.environment, hash_key=key)
        return dataclasses.replace(settings, environment=environment, publishing=self.publishing)

    def forget(self, *references: str) -> forgetting.Proof:
        asked = [Asked(reference, reference, [("landing", "rows", 1)]) for reference in references]
        return forget(self.settings(), asked, NoTargets(), clock=lambda: NOW, who="officer", say=lambda _: None)

    def totals(self) -> dict[str, Any]:
        """Orders, lines and refunds as staging would take them: the newest of each."""
        rows = self.workshop.rows
        return {
            "orders": rows(
                "select count(*), sum(gross_amount) from (from orders qualify row_number() over "
                "(partition by order_id order by updated_at desc nulls last, batch_sequence desc) = 1)"
            ),
            "lines": rows(
                "select product_id, count(*), sum(line_amount), sum(quantity) from order_lines as landed "
                "where batch_sequence = (select max(batch_sequence) from order_lines where order_id = landed.order_id) "
                "group by product_id order by product_id"
            ),
            "refunds": rows("select count(*), sum(amount) from refunds"),
        }

    def files_with(self, *texts: str) -> list[str]:
        """Files below data, the inbox apart, in which a text stands; Parquet is read through."""
        import pyarrow.parquet as pq

        found = []
        for path in sorted(self.workshop.paths.data.rglob("*")):
            if path.is_file() and "inbox" not in path.parts:
                content = path.read_bytes()
                if path.suffix == ".parquet":
                    content += pq.read_table(path).to_pandas().to_csv().encode()
                if any(text.encode() in content for text in texts):
                    found.append(path.name)
        return found


@pytest.fixture
def installation(tmp_path: Path, publishing_settings: PublishingSettings) -> Installation:
    """Two buyers who landed, one order corrected, one order that was the other's, one row refused."""
    workshop = Workshop(tmp_path, hash_key="secret")
    for name, text in (("orders1.csv", ORDERS), ("lines1.csv", LINES), ("refunds.csv", REFUNDS)):
        workshop.write(name, text)
    workshop.write("customers1.csv", CUSTOMERS)
    workshop.land(SOURCES)
    for name, text in (("orders2.csv", CORRECTIONS), ("lines2.csv", CORRECTED_LINES), ("customers2.csv", MOVED)):
        workshop.write(name, text)
    workshop.land(SOURCES)
    return Installation(workshop, publishing_settings)


def test_the_persons_rows_go_and_totals_stay(installation: Installation) -> None:
    before = installation.totals()
    assert before["orders"] == [(3, Decimal("38.75"))]
    assert before["lines"] == [
        ("cup", 3, Decimal("17.0000"), Decimal("3.0000")),
        ("tea", 2, Decimal("21.7500"), Decimal("3.0000")),
    ]
    assert installation.files_with(*PERSONAL)
    installation.forget("shop:ann")
    assert installation.totals() == before
    assert installation.files_with(*PERSONAL, "A-1", "A-2", "A-9", "R-1", "ann,", '"ann"') == []


def test_what_stays_of_an_order_is_its_day_its_amounts_and_its_products(installation: Installation) -> None:
    installation.forget("shop:ann")
    rows = installation.workshop.rows(
        "select ordered_at::varchar, gross_amount, region, updated_at, row_number from orders "
        "where order_id like 'strata-erased-%' order by 1"
    )
    # 23:30 in New York is the next day in UTC; noon is the same day in both.
    assert rows == [
        ("2024-01-05 17:00:00+00", Decimal("11.25"), None, None, 0),
        ("2024-01-09 17:00:00+00", Decimal("20.50"), None, None, 0),
    ]
    lines = installation.workshop.rows(
        "select gross_amount, line_number, product_id, line_amount from order_lines inner join orders using (order_id) "
        "where order_id like 'strata-erased-%' order by all"
    )
    assert lines == [
        (Decimal("11.25"), 1, "tea", Decimal("6.2500")),
        (Decimal("11.25"), 2, "cup", Decimal("5.0000")),
        (Decimal("20.50"), 1, "tea", Decimal("15.5000")),
        (Decimal("20.50"), 2, "cup", Decimal("5.0000")),
    ]
    refunds = installation.workshop.rows(
        "select amount, gross_amount from refunds inner join orders using (order_id) "
        "where refund_id like 'strata-erased-%'"
    )
    assert refunds == [(Decimal("3.00"), Decimal("20.50"))]
    [(reference,)] = installation.workshop.rows(
        "select distinct customer_ref from orders where order_id like 'strata-erased-%'"
    )
    numbered = read_registry(installation.workshop.paths.registry).to_pylist()
    assert ("shop", reference) in [(row["source"], row["customer_ref"]) for row in numbered]


def test_traces_of_the_person_alone_are_blotted_out_of_logs_and_records(installation: Installation) -> None:
    data = installation.workshop.paths.data
    log, records, leftover = (data / name for name in ("logs/run.log", "dagster/history/runs.db", "dbt/some.sql"))
    for file in (log, records, leftover):
        file.parent.mkdir(parents=True)
    household = "of one household with Bob Birch-Qwxyz, +1 212-555-0101"
    log.write_text(f"told Ann Archer-Zzyzx, ann@example.org, +1 212-555-0102, {household}")
    leftover.write_text("select 'Ann Archer-Zzyzx'")
    with closing(sqlite3.connect(records)) as con:
        con.execute("create table events (body text)")
        con.executemany("insert into events values (?)", [("Ann Archer-Zzyzx came",), ("Bob Birch-Qwxyz came",)])
        con.commit()
    installation.forget("shop:ann")
    assert log.read_text() == f"told (erased), (erased), (erased), {household}"
    with closing(sqlite3.connect(records)) as con:
        assert con.execute("select body from events").fetchall() == [("(erased) came",), ("Bob Birch-Qwxyz came",)]
    assert not leftover.exists()


def test_another_persons_rows_are_as_they_were(installation: Installation) -> None:
    def others() -> list[Any]:
        return [
            installation.workshop.rows("select * from orders where customer_ref = 'bob'"),
            installation.workshop.rows("select * from order_lines where order_id = 'B-1'"),
            installation.workshop.rows("select * from customers_personal where customer_ref = 'bob'"),
        ]

    before = others()
    installation.forget("shop:ann")
    assert others() == before
    assert len(before[0]) == 1


def test_nobody_lands_again_who_was_erased_and_nothing_of_their_rows_is_kept(installation: Installation) -> None:
    """All files are read again with another mapping, and a new file holds the person under a new reference."""
    before = installation.totals()
    installation.forget("shop:ann")
    installation.workshop.write("customers3.csv", "buyer,name,phone,mail\nanna,Ann,, ANN@Example.org\ncarl,Carl,,\n")
    changed = SOURCES.replace("amount: amount}", "amount: [amount, sum]}").replace("name: name", "name: [name, who]")
    changed = changed.replace("customer_ref: buyer, ordered", "customer_ref: [buyer, who], ordered")
    installation.workshop.land(changed)
    assert installation.totals() == before
    assert installation.files_with(*PERSONAL, "Example.org", "A-1", "A-9") == []
    rows = installation.workshop.rows("select customer_ref from customers order by 1")
    assert {ref for (ref,) in rows} == {"bob", "carl"}
    refused = [(kind, reasons, original) for _, kind, reasons, original in installation.workshop.quarantine()]
    assert ("excluded", ["excluded by rule: the person was erased"], "{}") in refused
    for counts in installation.workshop.manifest.row_counts():
        assert counts.rows_read == counts.accepted + counts.rejected


def test_a_contact_point_that_another_has_too_refuses_nobody(installation: Installation) -> None:
    """The household's phone is Bob's as well: it must not keep him out."""
    installation.forget("shop:ann")
    installation.workshop.write(
        "customers3.csv", "buyer,name,phone,mail\nbob,Bob Birch-Qwxyz,+1 212-555-0101,bob@example.net\n"
    )
    installation.workshop.land(SOURCES)
    found = installation.workshop.rows("select email from customers_personal where customer_ref = 'bob' order by 1")
    assert found == [("bob@example.net",), ("bob@example.org",)]


def test_the_manifest_keeps_both_fingerprints(installation: Installation) -> None:
    before = {batch.batch_id: batch for batch in installation.workshop.manifest.batches}
    proof = installation.forget("shop:ann")
    for batch in installation.workshop.manifest.batches:
        old = before[batch.batch_id]
        for noted in batch.before_erasures:
            assert noted["erasure_id"] == proof.document["erasure_id"]
            assert noted["path_sha256"] == old.path_sha256
            assert noted["personal_sha256"] == old.personal_sha256
            assert (batch.path_sha256, batch.personal_sha256) != (old.path_sha256, old.personal_sha256)
        if not batch.before_erasures:
            assert batch == old
    assert proof.document["batches_rewritten"]


STEPS = (
    "_log",
    "_erase_from_registry",
    "erase_landed",
    "erase_from_assignments",
    "erase_from_parquet",
    "blot_out",
    "_refuse_what_is_left",
    "_write_proof",
)


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


def killed_after(real: Callable[..., Any], times: int = 1) -> Callable[..., Any]:
    calls = 0

    def step(*words: Any, **named: Any) -> Any:
        nonlocal calls
        done = real(*words, **named)
        calls += 1
        if calls == times:
            raise Killed
        return done

    return step


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_killed_after_any_step_is_finished_by_doing_it_again(
    step: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installation.totals()
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, step, killed_after(getattr(forgetting, step)))
        with pytest.raises(Killed):
            installation.forget("shop:ann")
    finish(installation, before)


@pytest.mark.parametrize("entries", [1, 2, 4])
def test_an_erasure_killed_between_two_batches_keeps_each_order_once(
    entries: int, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders, their corrections and their lines lie in several batches and are switched one after another."""
    from dagster_project.privacy import rewriting

    before = installation.totals()
    with monkeypatch.context() as patched:
        patched.setattr(rewriting, "write_entry", killed_after(rewriting.write_entry, entries))
        with pytest.raises(Killed):
            installation.forget("shop:ann")
    finish(installation, before)


def finish(installation: Installation, before: dict[str, Any]) -> None:
    with pytest.raises(ErasureUnfinished, match=r"strata forget --resume"):
        installation.workshop.land(SOURCES)
    with pytest.raises(StrataError, match=r"strata forget --resume"):
        installation.forget("shop:bob")
    proof = resume(installation.settings(), NoTargets(), clock=lambda: NOW, say=lambda _: None)
    assert proof is not None
    assert installation.totals() == before
    assert installation.files_with(*PERSONAL, "A-1", "A-2", "R-1") == []
    assert not plan_file(installation.workshop.paths).exists()
    assert len(read_log(installation.workshop.paths)) == 1
    assert resume(installation.settings(), NoTargets(), clock=lambda: NOW, say=lambda _: None) is None


def test_a_damaged_log_of_erasures_is_named_with_its_line(tmp_path: Path) -> None:
    paths = Workshop(tmp_path).paths
    record = {"erasure_id": "1", "key": key_check("secret"), "hashes": []}
    write_log(paths, [record, record])
    assert read_log(paths) == [record, record]
    log_file(paths).write_text(f'{json.dumps(record)}\n{{"erasure_id": "2"}}\n', encoding="utf-8")
    with pytest.raises(StrataError, match=r"line 2 is damaged; .* Restore the file from a backup"):
        read_log(paths)


def test_a_log_that_is_kept_knows_its_key_in_every_version() -> None:
    assert key_check("secret") == "1ef621f3a6803e4b"
    assert key_check("another") != key_check("secret")


def test_a_changed_total_keeps_the_plan_and_is_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "totals", lambda *_: {"orders USD": "2 1.00"})
        with pytest.raises(ErasureFailed, match=r"Totals of .*orders USD.* are not what they were"):
            installation.forget("shop:ann")
    assert plan_file(installation.workshop.paths).exists()


def test_after_a_restore_the_log_is_applied_again(installation: Installation, tmp_path: Path) -> None:
    """The backup is of before the erasure; the log of erasures is kept apart from it."""
    import shutil

    landing = installation.workshop.paths.landing
    shutil.copytree(landing, tmp_path / "backup")
    before = installation.totals()
    installation.forget("shop:ann")
    assert erased_who_are_back(installation.settings()) == []
    shutil.rmtree(landing)
    shutil.copytree(tmp_path / "backup", landing)
    assert erased_who_are_back(installation.settings()) == ["shop:ann"]
    installation.forget("shop:ann")
    assert installation.totals() == before
    assert installation.files_with(*PERSONAL) == []
    assert erased_who_are_back(installation.settings()) == []


def test_two_people_are_erased_in_one_go_and_stay_two(installation: Installation) -> None:
    before = installation.totals()
    installation.forget("shop:ann", "shop:bob", "shop:ann")
    assert installation.totals() == before
    kept = installation.workshop.rows("select customer_ref, count(*) from orders group by 1 order by 2")
    assert [count for _, count in kept] == [1, 2]
    assert installation.files_with(*PERSONAL, "Birch-Qwxyz", "bob@example.org", "555-0101", "2125550101") == []


def test_the_proof_names_every_file_that_the_person_was_read_from_and_when_it_was_done(
    installation: Installation,
) -> None:
    """Also those in which only a number stands for the person, such as an export of orders."""
    moments = iter([NOW, NOW + timedelta(minutes=3)])
    asked = [Asked("shop:ann", "ann", [])]
    settings = installation.settings()
    proof = forget(settings, asked, NoTargets(), clock=lambda: next(moments), who="officer", say=lambda _: None)
    assert proof.document["your_files_not_changed"] == [
        *("inbox/customers1.csv", "inbox/customers2.csv", "inbox/lines1.csv", "inbox/lines2.csv"),
        *("inbox/orders1.csv", "inbox/orders2.csv", "inbox/refunds.csv"),
    ]
    assert proof.document["finished_at"] == "2026-11-22T09:03:00+00:00"


def test_choices_about_profiling_go_with_the_person_and_those_of_others_stay(installation: Installation) -> None:
    paths = installation.workshop.paths
    references = pa.table({"source": ["shop", "shop"], "customer_ref": ["ann", "bob"]})
    append_references(paths.registry, references, first_id=1)
    for numbers in ([1], [2], [1, 2]):
        record_choice(paths, numbers, is_granted=False, at=NOW, who="officer")
    assert choices_held(installation, "shop:ann") == 2
    installation.forget("shop:ann")
    assert read_choices(paths)["registry_id"].to_pylist() == [2, 2]
    assert choices_held(installation, "shop:bob") == 2
    assert stat.S_IMODE((paths.registry / PROFILING_CHOICES).stat().st_mode) == 0o600


def choices_held(installation: Installation, reference: str) -> int:
    held = find_held(installation.settings(), reference, lambda _: None)
    return sum(each.rows for each in held.holdings if each.place == f"identity/{PROFILING_CHOICES}")


@pytest.mark.parametrize("enabled", ["postgres", "lists"])
def test_nothing_is_said_of_a_person_while_postgresql_cannot_be_asked(installation: Installation, enabled: str) -> None:
    settings = installation.settings()
    switched_on = installation.publishing.model_dump(by_alias=True)
    (switched_on["lists"]["postgres"] if enabled == "lists" else switched_on["postgres"])["enabled"] = True
    on = dataclasses.replace(settings, publishing=PublishingSettings.model_validate(switched_on))
    with pytest.raises(PublishingError, match="STRATA_POSTGRES_URL is not set"):
        held_in_postgres(on, Keys((1,), (1,), ()))


def test_a_postgresql_that_is_written_to_no_more_is_still_asked_for_a_person(installation: Installation) -> None:
    settings = installation.settings()
    address = SecretStr("postgresql://writer:geheim@127.0.0.1:1/gone")
    there = dataclasses.replace(settings, environment=dataclasses.replace(settings.environment, postgres_url=address))
    with pytest.raises(PublishingError, match="STRATA_POSTGRES_URL") as refused:
        held_in_postgres(there, Keys((1,), (1,), ()))
    assert "geheim" not in str(refused.value)


def test_the_log_holds_hashes_only(installation: Installation) -> None:
    installation.forget("shop:ann")
    [record] = read_log(installation.workshop.paths)
    assert set(record) == {"erasure_id", "at", "who", "key", "hashes"}
    assert all(len(each) == 64 and int(each, 16) for each in record["hashes"])
    assert "ann" not in json.dumps(record)


def test_results_of_a_list_are_told_by_the_number_in_their_task() -> None:
    """A list that comes back filled in names no customer, only the task: campaign, registry number, channel."""
    hashes = frozenset({keyed_hash("15", "secret", kind="erased registry number")})
    rows = ErasedRows(Erased(hashes, "secret"), "lists", ENTITIES["list_results"])
    with duckdb.connect() as con:
        con.execute(
            "create table rows as select unnest(['reactivation-2024-12:15:sms', 'reactivation-2024-15:7:sms', 'odd']) "
            "as task_id"
        )
        condition = rows.condition(con, ["task_id"], {})
        assert con.execute(f"select task_id from rows where {condition}").fetchall() == [
            ("reactivation-2024-12:15:sms",)
        ]
