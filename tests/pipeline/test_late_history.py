"""History that arrives late, in any order and cut: the marked days, rebuilt, are what a full rebuild gives.

Files are landed for real. The SQL is dbt's own, compiled once and run in memory; one shop goes through Dagster and dbt,
and is killed half way.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import duckdb
import pytest
from compiled_warehouse import build_from_landed
from dagster import DagsterRunStatus
from generated import LAST, Company, companies
from hypothesis import given
from hypothesis import strategies as st
from late_deliveries import CURRENCY, FEW, Install, LateWarehouse, assert_same_days, deliveries, in_one, installer
from shop_runs import FIRST_AS_OF, RANGE, Shop, wait_until

from dagster_project.definitions import build_definitions
from dagster_project.defs.resources import dbt_child
from dagster_project.defs.runs import opened_instance
from dagster_project.defs.transform import STAGING, attach_landed, start_build
from dagster_project.landing import Manifest, land
from dagster_project.settings import Deployment
from dagster_project.warehouse import held, opened
from dagster_project.warehouse.control import AsOfDay, record_builds
from dagster_project.warehouse.dbt_arguments import dbt_arguments

DAYS = [date(2020, 9, 30), date(2021, 7, 31), date(2022, 3, 31), date(2022, 5, 31), date(2022, 6, 8), LAST]


@pytest.fixture(scope="module")
def install(compiled_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """Makes installations of companies."""
    with installer(tmp_path_factory.mktemp("compiled"), compiled_models) as install:
        yield install


@FEW
@given(company=companies(least=3, most=6), seed=st.integers(0, 10_000), count=st.integers(2, 3))
def test_any_order_and_cut_gives_what_a_full_rebuild_gives(
    install: Install, company: Company, seed: int, count: int
) -> None:
    cuts = deliveries(company, Random(seed), count)  # noqa: S311  invented customers
    with install(company) as late, install(company) as fresh:
        late.deliver(cuts[0])
        late.classify(DAYS)
        for cut in cuts[1:]:
            landed = late.deliver(cut)
            marked = late.marked()
            changed = [batch.earliest_changed_on for batch in landed if batch.earliest_changed_on]
            assert {day for day in DAYS if changed and day >= min(changed)} <= set(marked)
            before = dict(late.built)
            if marked:
                late.classify(marked)
            assert late.marked() == []
            assert all(late.built[key] is before[key] for key in before if key[1] not in marked)
        fresh.deliver(in_one(cuts))
        fresh.classify(DAYS)
        assert_same_days(late, fresh)


# ---------------------------------------------------------------------------------------------------- by hand


def instant(day: str, hour: int = 15) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour), tzinfo=UTC)


def order(order_id: str, day: str, gross_amount: str, currency: str = CURRENCY, **columns: Any) -> dict[str, Any]:
    return {
        "source": "shop",
        "order_id": order_id,
        "customer_ref": "c",
        "ordered_at": instant(day),
        "status": "completed",
        "gross_amount": Decimal(gross_amount),
        "discount_amount": Decimal(0),
        "currency": currency,
        "updated_at": instant("2022-07-01"),
        **columns,
    }


def rate(day: str, value: str) -> dict[str, Any]:
    return {"currency": "USD", "date": date.fromisoformat(day), "rate": Decimal(value)}


def of_customer(warehouse: LateWarehouse, table: str, day: date, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of the rows of customer shop:c."""
    rows = [dict(row) for row in warehouse.built[table, day]]
    return [tuple(row[column] for column in columns) for row in rows if row["customer_id"] == "shop:c"]


def test_a_rate_that_lands_late_or_is_corrected_revalues_the_days_from_its_own_on(install: Install) -> None:
    # The one rate that is there is eight days old when the order comes: a day too old.
    rows = {
        "orders": [
            order("1", "2022-06-01", "50.00"),
            order("2", "2022-06-05", "100.00", "USD", discount_amount=Decimal("10.00")),
        ],
        "refunds": [
            {
                "source": "shop",
                "refund_id": "1",
                "customer_ref": "c",
                "refunded_at": instant("2022-06-20"),
                "amount": Decimal("30.00"),
                "currency": "USD",
            }
        ],
        "opportunities": [
            {
                "source": "shop",
                "opportunity_id": "1",
                "customer_ref": "c",
                "status": "open",
                "amount": Decimal("1000.00"),
                "probability": Decimal("0.5"),
                "currency": "USD",
                "created_at": instant("2022-06-01"),
                "updated_at": instant("2022-06-01"),
            }
        ],
        "order_lines": [
            {"source": "shop", "order_id": "2", "line_number": 1, "category": "care", "line_amount": Decimal("90.00")}
        ],
        "exchange_rates": [rate("2022-05-28", "2.00")],
    }
    before, between, after = date(2022, 6, 3), date(2022, 6, 10), date(2022, 6, 22)
    company = Company(rows, frozenset(rows), {})
    with install(company) as shop:

        def told(day: date) -> tuple[Any, ...]:
            columns = ("revenue", "open_opportunity_value", "top_category")
            [found] = of_customer(shop, "customer_features", day, *columns)
            return found

        shop.deliver(rows)
        shop.classify([before, between, after])
        # The opportunity is worth 1,000 × 0.5 × 2.00 on the 3rd, six days after the rate; on the 10th nobody knows.
        assert told(before) == (Decimal("50.00"), Decimal("1000.000000"), "unknown")
        assert told(between) == (Decimal("50.00"), None, "unknown")
        waiting = "select order_id, original_gross_amount from marts.orders_without_rate"
        assert shop.frame(waiting).to_numpy().tolist() == [["2", Decimal("100.00")]]

        shop.deliver({"exchange_rates": [rate("2022-06-04", "0.90"), rate("2022-06-15", "0.80")]})
        assert shop.marked() == [between, after]
        shop.classify(shop.marked())
        # (100 − 10) × 0.90 = 81 beside 50; 1,000 × 0.5 × 0.90.
        assert told(between) == (Decimal("131.00"), Decimal("450.000000"), "care")
        # The refund is one of the 20th: 30 × 0.80 = 24.
        assert told(after) == (Decimal("107.00"), Decimal("400.000000"), "care")
        assert told(before) == (Decimal("50.00"), Decimal("1000.000000"), "unknown")
        assert shop.frame(waiting).empty
        fct = "select revenue from marts.fct_orders order by order_id"
        assert shop.frame(fct)["revenue"].tolist() == [Decimal("50.00"), Decimal("81.00")]

        shop.deliver({"exchange_rates": [rate("2022-06-15", "0.70")]})
        assert shop.marked() == [after]
        shop.classify(shop.marked())
        assert told(after) == (Decimal("110.00"), Decimal("350.000000"), "care")
        assert told(between) == (Decimal("131.00"), Decimal("450.000000"), "care")


def test_a_first_record_of_an_old_customer_marks_from_their_first_order(install: Install) -> None:
    rows = {
        "orders": [order("1", "2022-06-05", "50.00")],
        "customers": [
            {
                "source": "shop",
                "customer_ref": "c",
                "industry": "retail",
                "created_at": instant("2022-06-25"),
                "updated_at": instant("2022-06-25"),
            }
        ],
    }
    days = [date(2022, 6, 3), date(2022, 6, 10), date(2022, 6, 22), LAST]
    with install(Company(rows, frozenset(rows), {})) as shop:
        shop.deliver({"orders": rows["orders"]})
        shop.classify(days)
        assert of_customer(shop, "customer_features", days[1], "industry") == [("unknown",)]
        shop.deliver({"customers": rows["customers"]})
        # The record begins on the 25th; what it says of the customer also holds before.
        assert shop.marked() == days[1:]
        shop.classify(days[1:2])
        assert of_customer(shop, "customer_features", days[1], "industry") == [("retail",)]
        assert shop.marked() == days[2:]
        shop.classify(days[2:])
        shop.deliver(
            {"customers": [{**rows["customers"][0], "industry": "mining", "updated_at": instant("2022-06-28")}]}
        )
        assert shop.marked() == [LAST], "a later version says nothing of the days before it"


def test_a_first_record_of_an_old_product_marks_from_its_first_order(install: Install) -> None:
    rows = {
        "orders": [order("1", "2022-06-05", "50.00")],
        "order_lines": [
            {"source": "shop", "order_id": "1", "line_number": 1, "product_id": "p", "line_amount": Decimal(50)}
        ],
        "products": [
            {"source": "shop", "product_id": "p", "category": "tools", "updated_at": instant("2022-06-25")},
            {"source": "shop", "product_id": "q", "category": "tools", "updated_at": instant("2022-06-25")},
        ],
    }
    days = [date(2022, 6, 3), date(2022, 6, 10), LAST]
    with install(Company(rows, frozenset(rows), {})) as shop:
        shop.deliver({name: rows[name] for name in ("orders", "order_lines")})
        shop.classify(days)
        shop.deliver({"products": rows["products"]})
        assert shop.marked() == days[1:]
        shop.classify(shop.marked())
        assert of_customer(shop, "customer_features", days[1], "top_category") == [("tools",)]


def test_a_first_record_that_names_an_old_product_names_it_from_its_first_order(install: Install) -> None:
    rows = {
        "orders": [order("1", "2022-06-05", "50.00")],
        "order_lines": [
            {"source": "shop", "order_id": "1", "line_number": 1, "product_id": "p", "line_amount": Decimal(50)}
        ],
        "products": [{"source": "shop", "product_id": "p", "name": "Hammer", "updated_at": instant("2022-06-25")}],
    }
    days = [date(2022, 6, 3), date(2022, 6, 10), LAST]
    with install(Company(rows, frozenset(rows), {})) as shop:
        shop.deliver({name: rows[name] for name in ("orders", "order_lines")})
        shop.classify(days)
        assert of_customer(shop, "customer_last_purchases", days[1], "products") == [(["p"],)]
        shop.deliver({"products": rows["products"]})
        assert shop.marked() == days[1:]
        shop.classify(shop.marked())
        assert of_customer(shop, "customer_last_purchases", days[1], "products") == [(["Hammer"],)]


# ------------------------------------------------------------------------------------- through Dagster and dbt

ABROAD = """\
  - name: abroad
    kind: files
    time_zone: UTC
    currency: USD
    reads:
      - entity: orders
        path: inbox/abroad/orders*.csv
        decimal: "."
        columns: {order_id: no, customer_ref: who, ordered_at: at, gross_amount: total}
      - entity: exchange_rates
        path: inbox/abroad/rates*.csv
        decimal: "."
        columns: {currency: currency, date: date, rate: rate}
"""
BUILT = [*RANGE, FIRST_AS_OF]
LATE_FROM = BUILT[1]
KEPT = "select * from control.snapshot_builds order by 1"


def go_abroad(shop: Shop, order_on: date) -> Shop:
    """The shop with an order in dollars on its way, and two days a rebuild."""
    with (shop.config / "sources.yaml").open("a", encoding="utf-8") as sources:
        sources.write(ABROAD)
    publishing = shop.config / "publishing.yaml"
    publishing.write_text(publishing.read_text().replace("rebuild_days_per_run: 31", "rebuild_days_per_run: 2"))
    (shop.data / "inbox" / "abroad").mkdir()
    (shop.data / "inbox" / "abroad" / "orders.csv").write_text(f"no,who,at,total\n1,x,{order_on},100.00\n")
    return shop


def bring_rates(shop: Shop, name: str, first: date) -> None:
    """Land a file with a rate of `first`."""
    file = shop.data / "inbox" / "abroad" / f"{name}.csv"
    file.write_text(f"currency,date,rate\nUSD,{first},7.00\n")
    land(shop.settings, now=datetime.now(UTC))


def stage(shop: Shop) -> None:
    """Land what is new and have dbt stage it, as a run does before it classifies."""
    settings = shop.settings
    land(settings, now=datetime.now(UTC))
    with held(settings.paths.warehouse, who="test", wait_seconds=5) as warehouse:
        attach_landed(warehouse, settings)
        start_build(dbt_child(settings), settings, dbt_arguments("build", select=[STAGING])).wait()


def rows(shop: Shop, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(shop.settings.paths.warehouse)) as con:
        return con.execute(query).fetchall()


def everything(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every mart of days, of the history and of the orders; lists are issued documents and stay out."""
    tables = con.execute(
        "select distinct table_name from duckdb_columns() where schema_name = 'marts' and (column_name = 'as_of_date' "
        "or table_name in ('segment_history', 'fct_orders')) and not starts_with(table_name, 'reactivation_list')"
    ).fetchall()
    return {table: con.execute(f"select * from marts.{table} order by all").fetchall() for (table,) in tables}


def test_a_rebuild_killed_half_way_keeps_what_is_done_and_ends_as_a_full_rebuild(
    range_shop: Shop, compiled_models: Path, tmp_path: Path
) -> None:
    """The days are rebuilt in two runs, the newest two and then the one before; a full rebuild is one run of all."""
    shop = go_abroad(range_shop.copied_to(tmp_path), LATE_FROM)
    stage(shop)
    assert rows(shop, "select count(*) from staging.stg_orders where source = 'abroad'") == [(1,)]
    bring_rates(shop, "rates", LATE_FROM)
    status = " ".join(shop.strata("status").split())
    assert "4 days stored, 2024-11-29 to 2024-12-30; 3 marked for a rebuild" in status
    assert "2024-11-30 │ 2024-12-30 │ 3" in status.replace("┃", "│"), status
    assert "abroad │ exchange_rates │ inbox/abroad/rates.csv │ 2024-11-30 │ 3" in status, status
    before = {day: rest for day, *rest in rows(shop, KEPT)}
    untouched = f"select * from marts.customer_segments where as_of_date < date '{LATE_FROM}' order by all"
    segments_before = rows(shop, untouched)

    logs = set((shop.data / "logs").glob("*.log"))
    with shop.started("backfill", "--marked") as process:

        def second_run_builds() -> bool:
            new = set((shop.data / "logs").glob("*.log")) - logs
            return len(new) == 2 and "- classification - built " in shop.newest_log()

        wait_until(lambda: process.poll() is not None or second_run_builds(), seconds=300)
        assert process.poll() is None, process.stdout and process.stdout.read()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not held_elsewhere(shop), seconds=30)
    after = {day: rest for day, *rest in rows(shop, KEPT)}
    changed = {day for day in after if after[day] != before[day]}
    # They are no range: a run of a range would build the days between.
    assert changed == {date(2024, 12, 1), date(2024, 12, 30)}, "the newest two are done and stay so"

    said = shop.strata("backfill", "--marked")
    assert "2024-11-30" in said
    assert "0 more are marked" in said
    after = {day: rest for day, *rest in rows(shop, KEPT)}
    assert {day for day in after if after[day] == before[day]} == {BUILT[0]}, "no day before the rate is touched"
    assert rows(shop, untouched) == segments_before
    # 100.00 at 7.00, of an order that was staged before the rate landed and has not changed since.
    assert rows(shop, "select revenue from marts.fct_orders where source = 'abroad'") == [(Decimal("700.00"),)]
    assert rows(shop, "select count(*) from marts.orders_without_rate") == [(0,)]

    with duckdb.connect(str(shop.settings.paths.warehouse), read_only=True) as con:
        rebuilt = everything(con)
    with duckdb.connect(config={"threads": 1}) as con:
        build_from_landed(con, shop.settings, compiled_models, BUILT)
        expected = everything(con)
    assert rebuilt.keys() == expected.keys()
    for table, of_table in expected.items():
        assert rebuilt[table] == of_table, table


def held_elsewhere(shop: Shop) -> bool:
    """Whether a child of a killed run still has the warehouse."""
    try:
        rows(shop, "select 1")
    except duckdb.IOException:
        return True
    return False


def test_the_sensor_starts_one_run_of_the_newest_marked_days_and_tries_a_failing_one_twice(shop: Shop) -> None:
    go_abroad(shop, date(2024, 12, 10))
    stored = [date(2024, 11, 30), *(date(2024, 12, day) for day in (5, 15, 20)), FIRST_AS_OF]
    in_production = replace(shop.settings.environment, deployment=Deployment.PRODUCTION)
    settings = replace(shop.settings, environment=in_production)
    definitions = build_definitions(settings)
    sensor = definitions.resolve_sensor_def("marked_days")
    land(settings, now=datetime.now(UTC))
    built = [AsOfDay(day, settings.standard, True, False, False, False) for day in stored]

    def note_built(days: Sequence[AsOfDay]) -> None:
        with opened(settings.paths.warehouse, who="test", wait_seconds=5) as con:
            record_builds(con, days, Manifest.load(settings.paths))

    note_built(built)
    with opened_instance(settings.paths) as instance:

        def look() -> dg.RunRequest | str:
            answer = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=definitions))
            return answer.run_requests[0] if answer.run_requests else str(answer.skip_message)

        assert look() == "no day is marked"
        bring_rates(shop, "rates", date(2024, 12, 8))
        request = look()
        assert isinstance(request, dg.RunRequest)
        # The 20th and the 30th are no range: a range run would build and mark the days between.
        assert request.job_name == "month_ends"
        assert request.run_config == {
            "ops": {"classify_chosen_days": {"config": {"days": ["2024-12-20", "2024-12-30"]}}}
        }
        with opened(settings.paths.warehouse, who="test", wait_seconds=5):
            assert "is held by" in str(look())
        for status in (DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTED):
            run = dg.DagsterRun(job_name=request.job_name, tags=dict(request.tags), status=status)
            instance.add_run(run)
            assert "rebuilds marked days" in str(look())
            instance.report_run_failed(run)
        # Both have failed: the same days wait until something new has landed.
        assert "failed 2 times" in str(look())
        bring_rates(shop, "rates2", date(2024, 12, 18))
        again = look()
        assert isinstance(again, dg.RunRequest)
        assert again.run_key != request.run_key
        note_built(built[-2:])
        rest = look()
        assert isinstance(rest, dg.RunRequest)
        assert (rest.job_name, rest.tags["dagster/partition"]) == ("backfill", "2024-12-15")
