"""The shipped example lands from a real PostgreSQL: every entity, then only what changed, then what was deleted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pytest
from landing_workshop import NOW, Workshop
from pydantic import SecretStr

from dagster_project.landing import LandingResult, land
from dagster_project.landing.check import inspect_reads
from dagster_project.landing.deletions import TooManyGone
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "sources-postgresql.yaml"
SCHEMA = """
drop table if exists orders, order_items, refunds, customers, products, exchange_rates;
create table orders (
    id bigint primary key, customer_id uuid, placed_at timestamp, status text, total numeric(12,2),
    discount numeric(12,2), currency char(3), channel text, updated_at timestamptz not null
);
create table order_items (
    order_id bigint, position int, product_id text, quantity int, unit_price numeric(12,4), discount numeric(12,4)
);
create table refunds (
    id serial primary key, order_id bigint, refunded_at timestamptz, amount numeric(12,2), currency char(3)
);
create table customers (
    id uuid primary key, name text, phone text, email text, city text, level text, created_at timestamptz,
    updated_at timestamptz
);
create table products (sku text primary key, name text, category text, brand text, launched_on date);
create table exchange_rates (currency char(3), day date, rate numeric);
insert into customers values
    ('00000000-0000-0000-0000-000000000001', 'Anna', '030 901820', 'anna@example.com', 'Berlin', 'gold',
     '2024-01-01 10:00+01', null),
    ('00000000-0000-0000-0000-000000000002', 'Ben', null, 'ben@example.com', 'Bonn', null, '2024-01-02 10:00+01',
     '2024-01-03 10:00+01');
insert into products values ('00123', 'Tea', 'Drinks', 'Leaf', '2020-05-01'), ('00124', 'Cup', 'Home', 'Clay', null);
insert into exchange_rates values ('USD', '2024-01-31', 0.9123456789), ('USD', '2024-02-01', 0.92);
insert into orders
    select g, ('00000000-0000-0000-0000-00000000000' || 1 + g % 2)::uuid, '2024-02-01 00:30', 'paid', 10.25 + g, 0.25,
    case when g = 3 then 'USD' else 'EUR' end, 'web', timestamptz '2024-02-01 12:00+01' + interval '1 minute' * g
    from generate_series(1, 200) g;
insert into order_items select g, 1, '00123', 2, 5.1250 + g / 2.0, 0 from generate_series(1, 200) g;
insert into order_items values (1, 2, '00124', 1, 0.0001, null);
insert into refunds (order_id, refunded_at, amount, currency) values (2, '2024-02-10 09:00+01', 4.05, 'EUR')
"""


@pytest.fixture
def run(postgres_server: str) -> Callable[[str], None]:
    def run(statements: str) -> None:
        with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as con, con.cursor() as cursor:
            for statement in statements.split(";"):
                cursor.execute(statement)

    run(SCHEMA)
    return run


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, hash_key="for tests only")


@pytest.fixture
def settings(workshop: Workshop, postgres_server: str) -> Settings:
    empty = "  - name: a\n    reads: [{entity: products, path: a.csv, columns: {product_id: a}}]\n"
    settings = workshop.settings(empty)
    file = workshop.paths.config / "sources.yaml"
    shutil.copy(EXAMPLE, file)
    secrets = Secrets({"STRATA_SHOP_URL": SecretStr(postgres_server)})
    environment = replace(settings.environment, secrets=secrets)
    return replace(settings, environment=environment, sources=load_model(file, SourcesSettings))


def counts(result: LandingResult) -> dict[str, tuple[int, int, int]]:
    """New, changed and unchanged rows of each entity, its batches together."""
    found: dict[str, tuple[int, int, int]] = {}
    for batch in result.batches:
        old = found.get(batch.entity, (0, 0, 0))
        found[batch.entity] = (old[0] + batch.new, old[1] + batch.changed, old[2] + batch.unchanged)
    return found


def test_the_shipped_example_lands_everything_and_then_only_what_changed(
    settings: Settings, workshop: Workshop, run: Callable[[str], None]
) -> None:
    first = land(settings, now=NOW)
    assert counts(first) == {
        "orders": (200, 0, 0),
        "order_lines": (201, 0, 0),
        "refunds": (1, 0, 0),
        "customers": (2, 0, 0),
        "products": (2, 0, 0),
        "exchange_rates": (2, 0, 0),
    }
    [one] = workshop.rows(
        "select ordered_at, gross_amount, discount_amount, currency, status, customer_ref from orders "
        "where order_id = '1'"
    )
    placed = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
    assert (one[0], str(one[1]), str(one[2]), *one[3:5]) == (placed, "11.25", "0.25", "EUR", "completed")
    assert one[5] == "00000000-0000-0000-0000-000000000002"
    assert workshop.rows(
        "select product_id, cast(unit_price as varchar) from order_lines where order_id = '1' order by line_number"
    ) == [("00123", "5.6250"), ("00124", "0.0001")]
    assert workshop.rows("select cast(rate as varchar) from exchange_rates order by date") == [
        ("0.91234568",),
        ("0.92000000",),
    ]
    run(
        "update orders set status = 'canceled', updated_at = '2024-03-01 10:00+01' where id = 7;"
        "insert into refunds (order_id, refunded_at, amount, currency) values (3, '2024-02-11', 1, 'USD');"
        "update customers set city = 'Potsdam', updated_at = '2024-03-01 10:00+01' where name = 'Anna'"
    )
    second = counts(land(settings, now=NOW + timedelta(days=1)))
    # Ten minutes before order 200 hold orders 190 to 200; their lines come with them, equal to what landed.
    assert second["orders"] == (0, 1, 11)
    assert second.get("order_lines", (0, 0))[:2] == (0, 0)
    assert second["refunds"] == (1, 0, 1)
    assert second["customers"][:2] == (0, 1)
    assert second.get("exchange_rates", (0, 0))[:2] == (0, 0), "read again, and nothing new"


def test_deleted_rows_are_found_by_the_weekly_comparison_and_in_tables_without_watermark_at_once(
    settings: Settings, workshop: Workshop, run: Callable[[str], None]
) -> None:
    land(settings, now=NOW)
    run("delete from orders where id in (11, 12); insert into products values ('00125', 'Pot', 'Home', 'Clay', null)")
    run("delete from products where sku = '00124'")
    land(settings, now=NOW + timedelta(days=1))
    gone = "select order_id from orders where is_deleted order by 1"
    assert workshop.rows(gone) == []
    assert workshop.rows("select product_id from products where is_deleted") == [("00124",)]
    land(settings, now=NOW + timedelta(days=7))
    assert workshop.rows(gone) == [("11",), ("12",)]
    again = land(settings, now=NOW + timedelta(days=14))
    assert all(batch.stored == 0 for batch in again.batches)


def test_a_comparison_that_would_delete_a_suspicious_share_stops_the_run_until_it_is_allowed(
    settings: Settings, workshop: Workshop, run: Callable[[str], None]
) -> None:
    land(settings, now=NOW)
    run("delete from orders where id > 150")
    with pytest.raises(TooManyGone, match="gone_records_limit"):
        land(settings, now=NOW + timedelta(days=7))
    assert workshop.rows("select count(*) from orders where is_deleted") == [(0,)]
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "table: public.orders\n", "table: public.orders\n        gone_records_limit: 0.3\n"
    )
    file = workshop.paths.config / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    allowed = replace(settings, sources=load_model(file, SourcesSettings))
    land(allowed, now=NOW + timedelta(days=7))
    assert workshop.rows("select count(*) from orders where is_deleted") == [(50,)]


def test_check_reads_a_sample_of_each_table_and_finds_nothing_wrong_with_the_example(
    settings: Settings, workshop: Workshop, run: Callable[[str], None]
) -> None:
    reads = inspect_reads(settings, now=NOW)
    assert [(each.entity, each.problem) for each in reads] == [
        (name, None) for name in ("orders", "order_lines", "refunds", "customers", "products", "exchange_rates")
    ]
    assert all(each.counts is not None and each.counts.rejected == 0 for each in reads)
    assert workshop.manifest.batches == ()


def test_neither_the_address_nor_its_parts_are_kept_beside_the_rows(
    settings: Settings, workshop: Workshop, run: Callable[[str], None], postgres_server: str
) -> None:
    land(settings, now=NOW)
    kept: list[Any] = [file.read_text("utf-8") for file in workshop.paths.landing.glob("manifest/*.json")]
    assert kept
    assert all(postgres_server not in text and "postgres:" not in text for text in kept)
    assert any("database:public.orders" in text for text in kept)
