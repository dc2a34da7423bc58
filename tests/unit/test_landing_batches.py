"""Batches and the manifest: what lands once, what replaces what, and what a stopped or killed landing leaves behind."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flushes import Flush
from landing_workshop import NOW, Workshop

from dagster_project.contract.entities import ENTITIES
from dagster_project.errors import StrataError
from dagster_project.landing import BadRowsLimitExceeded, LandingHeld, Manifest, landing_relations

ORDERS = """
  - name: shop
    time_zone: America/New_York
    reads:
      - entity: orders
        path: inbox/orders*.csv
        decimal: "."
        columns: {order_id: no, customer_ref: buyer, ordered_at: at, gross_amount: total, updated_at: changed}
"""
HEADER = "no,buyer,at,total,changed\n"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def write(workshop: Workshop, *lines: str, name: str = "orders.csv") -> None:
    workshop.write(name, HEADER + "".join(f"{line}\n" for line in lines))


def counts(workshop: Workshop, **settings: object) -> list[tuple[int, int, int, int]]:
    batches = workshop.land(ORDERS, **settings).batches  # type: ignore[arg-type]
    return [(batch.new, batch.changed, batch.unchanged, batch.rejected) for batch in batches]


def test_the_same_file_twice_lands_nothing(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    assert counts(workshop) == [(1, 0, 0, 0)]
    before = sorted(workshop.paths.landing.rglob("*"))
    result = workshop.land(ORDERS)
    assert result.batches == []
    assert [read.note for read in result.reads] == ["landed before"]
    assert sorted(workshop.paths.landing.rglob("*")) == before


def test_a_copy_under_another_name_lands_nothing(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    write(workshop, "1,a,2024-01-01,5,", name="orders (1).csv")
    assert counts(workshop) == [(1, 0, 0, 0)]


def test_a_full_export_stores_only_what_is_new_or_changed(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,", "2,a,2024-01-05,7,")
    assert counts(workshop) == [(2, 0, 0, 0)]
    write(workshop, "1,a,2024-01-01,5,", "2,a,2024-01-09,8,", "3,b,2024-02-01,1,")
    [batch] = workshop.land(ORDERS).batches
    assert (batch.new, batch.changed, batch.unchanged) == (1, 1, 1)
    assert batch.accepted == batch.rows_read == 3
    assert batch.path is not None
    assert pq.read_table(workshop.paths.landing / batch.path)["order_id"].to_pylist() == ["2", "3"]
    assert batch.earliest_changed_on == date(2024, 1, 5)
    assert (batch.first_event_on, batch.last_event_on) == (date(2024, 1, 1), date(2024, 2, 1))


def test_a_file_that_goes_back_to_what_it_was_lands_the_old_rows_again(workshop: Workshop) -> None:
    for total in (5, 6, 5):
        write(workshop, f"1,a,2024-01-01,{total},")
        workshop.land(ORDERS)
    totals = workshop.rows("select gross_amount from orders order by batch_sequence")
    assert totals == [(Decimal("5.00"),), (Decimal("6.00"),), (Decimal("5.00"),)]


def test_an_older_version_lands_and_the_newer_stays_current(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,2024-02-02")
    workshop.land(ORDERS)
    write(workshop, "1,a,2024-01-01,4,2024-02-01")
    assert counts(workshop) == [(0, 1, 0, 0)]
    write(workshop, "1,a,2024-01-01,4,2024-02-01", "1,a,2024-01-01,5,2024-02-02")
    assert counts(workshop) == [(0, 0, 2, 0)]


def test_versions_of_one_file_follow_one_another(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,", "1,a,2024-01-01,5,", "1,a,2024-01-01,6,")
    assert counts(workshop) == [(1, 1, 1, 0)]


def test_every_way_of_reading_the_rows_adds_up(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,", ",a,2024-01-01,5,", "2,a,bad,5,", "1,a,2024-01-01,5,")
    [batch] = workshop.land(ORDERS).batches
    assert batch.rows_read == 4 == batch.accepted + batch.rejected
    assert batch.accepted == batch.new + batch.changed + batch.unchanged
    relation = landing_relations(workshop.manifest)["batches"]
    assert workshop.rows(f"select sum(rows_read - accepted - rejected) from ({relation})") == [(0,)]


def test_the_business_day_is_the_day_in_the_business_zone(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01T03:00:00Z,5,")
    [batch] = workshop.land(ORDERS).batches
    assert batch.first_event_on == batch.earliest_changed_on == date(2023, 12, 31)


def test_a_customer_without_a_day_of_its_own_changes_the_day_on_which_it_landed(workshop: Workshop) -> None:
    workshop.write("people.csv", "id,since\n1,\n")
    people = """
  - {name: crm, reads: [{entity: customers, path: inbox/people.csv, columns: {customer_ref: id, registered_on: since}}]}
"""
    [batch] = workshop.land(people, now=datetime(2024, 3, 1, 2, tzinfo=UTC)).batches
    assert batch.earliest_changed_on == date(2024, 2, 29)
    workshop.write("people.csv", "id,since\n1,2023-05-06\n")
    [batch] = workshop.land(people).batches
    assert batch.earliest_changed_on == date(2023, 5, 6)


def test_above_the_limit_nothing_lands_and_the_message_says_why(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,", ",a,2024-01-01,5,")
    with pytest.raises(BadRowsLimitExceeded) as caught:
        workshop.land(ORDERS, limit=0.4)
    message = str(caught.value)
    assert "inbox/orders.csv, source shop, entity orders: 1 of 2 rows (50.00%) are bad" in message
    assert "limit of 40.00%" in message
    assert "order_id is missing (1)" in message
    assert workshop.manifest.batches == ()
    assert workshop.rows("select count(*) from orders") == [(0,)]
    assert len(workshop.quarantine()) == 1
    assert counts(workshop, limit=0.5) == [(1, 0, 0, 1)]
    assert len(workshop.quarantine()) == 1


def test_above_the_limit_a_parquet_file_leaves_no_batch(workshop: Workshop) -> None:
    columns = {"no": ["1", None], "buyer": ["a", "b"], "at": ["2024-01-01"] * 2, "total": [5, 6], "changed": ["", ""]}
    pq.write_table(pa.table(columns), workshop.inbox / "orders.parquet")
    with pytest.raises(BadRowsLimitExceeded):
        workshop.land(ORDERS.replace(".csv", ".parquet"), limit=0.4)
    assert list((workshop.paths.landing / "batches").rglob("*.parquet")) == []
    [batch] = workshop.land(ORDERS.replace(".csv", ".parquet"), limit=0.5).batches
    assert (batch.rows_read, batch.new, batch.rejected) == (2, 1, 1)


def test_what_a_stopped_file_leaves_unharmed(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,", name="orders1.csv")
    write(workshop, ",,,,", name="orders2.csv")
    with pytest.raises(BadRowsLimitExceeded):
        workshop.land(ORDERS, limit=0.0)
    assert workshop.rows("select order_id from orders") == [("1",)]


def test_files_that_no_entry_names_are_removed_at_the_next_landing(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    workshop.land(ORDERS)
    landing = workshop.paths.landing
    orphans = [
        landing / "batches/orders/killed.parquet",
        landing / "temporary/0-utf8",
        landing / "quarantine/x.parquet",
        landing / "manifest/00000002-x.unfinished",
    ]
    for orphan in orphans:
        orphan.parent.mkdir(parents=True, exist_ok=True)
        orphan.write_bytes(b"half")
    assert workshop.rows("select order_id from orders") == [("1",)]
    workshop.land(ORDERS)
    assert not any(orphan.exists() for orphan in orphans)
    assert workshop.rows("select order_id from orders") == [("1",)]


def test_an_entry_is_written_when_the_files_that_it_names_are_on_the_disk(
    workshop: Workshop, flushes: list[Flush]
) -> None:
    write(workshop, "1,a,2024-01-01,5,\n,,,,")
    workshop.land(ORDERS)
    [batch] = Manifest.load(workshop.paths).batches
    named = [workshop.paths.landing / name for name in (batch.path, batch.quarantine_path) if name]
    entries = workshop.paths.landing / "manifest"
    assert len(named) == 2
    flushed = [flush.path for flush in flushes]
    assert {*named, *(file.parent for file in named)} <= set(flushed[: flushed.index(entries)])


HOLD = """
import sys, time
from datetime import datetime
from pathlib import Path
from dagster_project.landing.lock import landing_lock
with landing_lock(Path(sys.argv[1]), now=datetime.fromisoformat(sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_landing_is_told_who_holds_the_folder(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    command = [sys.executable, "-c", HOLD, str(workshop.paths.landing), NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            with pytest.raises(LandingHeld, match=rf"process {process.pid} .* since 2024-03-01T12:00:00"):
                workshop.land(ORDERS)
        finally:
            process.kill()
    assert counts(workshop) == [(1, 0, 0, 0)]


def test_batches_are_the_same_bytes_but_for_their_stamp(tmp_path: Path) -> None:
    shops = [Workshop(tmp_path / name) for name in "ab"]
    tables = []
    for shop in shops:
        shop.root.mkdir()
        write(shop, *(f"{at},a,2024-01-{1 + at % 28:02},{at},".replace(",,", ",x,") for at in range(500)))
        [batch] = shop.land(ORDERS).batches
        assert batch.path is not None
        content = (shop.paths.landing / batch.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == batch.path_sha256
        tables.append((batch, content))
    assert tables[0] == tables[1]
    [later] = Workshop(tmp_path / "c").root.mkdir() or [tmp_path / "c"]
    shop = Workshop(later)
    write(shop, *(f"{at},a,2024-01-{1 + at % 28:02},{at},".replace(",,", ",x,") for at in range(500)))
    [batch] = shop.land(ORDERS, now=NOW + timedelta(days=1)).batches
    assert batch.path is not None
    names = [name for name in ENTITIES["orders"].arrow_schema().names if name != "landed_at"]
    first = pq.read_table(shops[0].paths.landing / str(tables[0][0].path)).select(names)
    assert pq.read_table(shop.paths.landing / batch.path).select(names).equals(first)


def test_landed_files_have_the_contract_schema(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    [batch] = workshop.land(ORDERS).batches
    assert batch.path is not None
    landed = pq.read_schema(workshop.paths.landing / batch.path)
    promised = ENTITIES["orders"].arrow_schema()
    assert [(field.name, field.type) for field in landed] == [(field.name, field.type) for field in promised]


def test_every_relation_has_its_full_schema_before_anything_landed(workshop: Workshop) -> None:
    relations = landing_relations(Manifest.load(workshop.paths))
    assert set(relations) == {*ENTITIES, "customers_personal", "consents_personal", "batches", "quarantine_counts"}
    for name, entity in ENTITIES.items():
        described = workshop.rows(f"describe ({relations[name]})")
        assert [(row[0], row[1].lower().replace("timestamp with time zone", "timestamptz")) for row in described] == [
            (column, kind.sql.replace("timestamptz", "timestamptz")) for column, kind in entity.landed_columns()
        ]
        assert workshop.rows(f"select count(*) from {name}") == [(0,)]


def test_a_damaged_entry_is_named(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    workshop.land(ORDERS)
    [entry] = (workshop.paths.landing / "manifest").glob("*.json")
    entry.write_text(entry.read_text()[:40])
    with pytest.raises(StrataError, match=entry.name):
        workshop.land(ORDERS)


def landed_before_regions(workshop: Workshop) -> None:
    """Make the only batch one of contract version 0: as version 1, whose orders have a region, and without it.

    Rows were hashed over the columns there were.
    """
    [entry] = (workshop.paths.landing / "manifest").glob("*.json")
    document = json.loads(entry.read_text())
    [batch] = document["batches"]
    path = workshop.paths.landing / batch["path"]
    rows = pq.read_table(path).drop_columns(["region"])
    rows = rows.set_column(
        rows.schema.get_field_index("row_hash"), "row_hash", pa.array(range(rows.num_rows), pa.uint64())
    )
    pq.write_table(rows, path)
    batch["contract_version"] = 0
    entry.write_text(json.dumps(document | {"version": 1}))


def test_an_entry_of_a_newer_version_is_refused(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    workshop.land(ORDERS)
    [entry] = (workshop.paths.landing / "manifest").glob("*.json")
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"version": 99}))
    with pytest.raises(StrataError, match="written by a newer version of Customer Strata"):
        Manifest.load(workshop.paths)


def test_an_entry_of_before_contracts_had_versions_is_read_as_it_is(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    [batch] = workshop.land(ORDERS).batches
    [entry] = (workshop.paths.landing / "manifest").glob("*.json")
    document = json.loads(entry.read_text())
    for each in document["batches"]:
        del each["contract_version"]
    entry.write_text(json.dumps(document | {"version": 1}))
    assert workshop.manifest.batches == (batch,)
    assert counts(workshop) == [], "the file has landed"


def test_a_batch_without_a_column_that_the_contract_got_later_has_it_blank_and_its_rows_land_once(
    workshop: Workshop,
) -> None:
    write(workshop, "1,a,2024-01-01,5,", "2,a,2024-01-05,7,")
    assert counts(workshop) == [(2, 0, 0, 0)]
    landed_before_regions(workshop)
    assert workshop.rows("select order_id, region, gross_amount from orders order by order_id") == [
        ("1", None, Decimal("5.00")),
        ("2", None, Decimal("7.00")),
    ]
    write(workshop, "1,a,2024-01-01,5,", "2,a,2024-01-05,8,", name="orders again.csv")
    assert counts(workshop) == [(0, 1, 1, 0)]
    assert workshop.rows("select order_id, gross_amount from orders where batch_sequence = 2") == [
        ("2", Decimal("8.00"))
    ]


def test_a_path_that_names_no_file_is_refused_and_a_pattern_is_not(workshop: Workshop) -> None:
    result = workshop.land(ORDERS)
    assert [read.note for read in result.reads] == ["no file matches"]
    with pytest.raises(StrataError, match=r"there is no file inbox/orders\.csv"):
        workshop.land(ORDERS.replace("orders*", "orders"))


def test_only_the_sources_asked_for_are_read(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    from dagster_project.landing import land

    settings = workshop.settings(ORDERS + ORDERS.replace("name: shop", "name: other"))
    assert {batch.source for batch in land(settings, now=NOW, sources=["other"]).batches} == {"other"}
    with pytest.raises(StrataError, match="no source 'nobody'"):
        land(settings, now=NOW, sources=["nobody"])


def test_a_deleted_row_is_a_version_like_any_other(workshop: Workshop) -> None:
    sources = ORDERS.replace("updated_at: changed", "is_deleted: changed")
    for mark in ("no", "yes"):
        write(workshop, f"1,a,2024-01-01,5,{mark}")
        workshop.land(sources)
    assert workshop.rows("select is_deleted from orders order by batch_sequence") == [(False,), (True,)]


def test_files_are_read_in_the_natural_order_of_their_names(workshop: Workshop) -> None:
    for number in (10, 9, 1):
        write(workshop, f"1,a,2024-01-01,{number},", name=f"orders{number}.csv")
    workshop.land(ORDERS)
    assert workshop.rows("select source_file from orders order by batch_sequence") == [
        (f"inbox/orders{number}.csv",) for number in (1, 9, 10)
    ]


def test_links_follow_the_customers_rows(workshop: Workshop) -> None:
    people = """
  - name: crm
    reads:
      - entity: customers
        path: inbox/people.csv
        links: {shop: Shop No, web: Web No}
        columns: {customer_ref: id}
  - {name: shop, reads: [{entity: campaigns, path: "inbox/none*.csv", columns: {campaign_id: x}}]}
  - {name: web, reads: [{entity: campaigns, path: "inbox/none*.csv", columns: {campaign_id: x}}]}
"""
    workshop.write("people.csv", "id,Shop No,Web No\n1,007,\n2, 8 ,w2\n")
    workshop.land(people)
    current = (
        "select customer_ref, linked_source, linked_ref, is_deleted from customer_links "
        "where batch_sequence = {} order by all"
    )
    assert workshop.rows(current.format(2)) == [
        ("1", "shop", "007", False),
        ("1", "web", None, True),
        ("2", "shop", "8", False),
        ("2", "web", "w2", False),
    ]
    workshop.write("people.csv", "id,Shop No,Web No\n1,007,\n2,,w2\n")
    workshop.land(people)
    assert workshop.rows(current.format(4)) == [("2", "shop", None, True)]


def of_another_engine(workshop: Workshop) -> None:
    [entry] = (workshop.paths.landing / "manifest").glob("*.json")
    document = json.loads(entry.read_text())
    document["batches"][0]["hash_probe"] = "that of another engine"
    entry.write_text(json.dumps(document))


def test_an_engine_that_hashes_otherwise_changes_no_count(workshop: Workshop) -> None:
    write(workshop, "1,a,2024-01-01,5,")
    workshop.land(ORDERS)
    of_another_engine(workshop)
    write(workshop, "1,a,2024-01-01,5,", "2,a,2024-01-01,5,")
    assert counts(workshop) == [(1, 0, 1, 0)]


def test_an_engine_that_hashes_otherwise_changes_no_person(workshop: Workshop) -> None:
    people = """
  - name: crm
    reads:
      - {entity: customers, path: "inbox/people*.csv", columns: {customer_ref: id, name: name}}
"""
    workshop.write("people1.csv", "id,name\n1,Ann\n2,Bo\n")
    workshop.land(people)
    of_another_engine(workshop)
    workshop.write("people2.csv", "id,name\n1,Ann\n2,Bob\n")
    [batch] = workshop.land(people).batches
    assert (batch.new, batch.changed, batch.unchanged) == (0, 1, 1)
