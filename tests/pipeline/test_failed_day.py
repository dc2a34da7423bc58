"""A day whose rows failed a test is tested by every later run until it is right: none publishes it with its own."""

from __future__ import annotations

import duckdb
from shop_runs import FIRST_AS_OF, SECOND_AS_OF, Shop

from dagster_project.defs.quality import refuse_failed_checks
from dagster_project.warehouse.opening import held


def spoil(shop: Shop, table: str) -> None:
    """Double a row of the first day."""
    with duckdb.connect(str(shop.settings.paths.warehouse)) as con:
        con.execute(f"insert into marts.{table} from (from marts.{table} where as_of_date = ? limit 1)", [FIRST_AS_OF])


def test_a_day_that_failed_holds_back_later_days_until_it_is_computed_again(shop: Shop) -> None:
    spoil(shop, "customer_segments")
    with duckdb.connect(str(shop.settings.paths.warehouse)) as con:
        con.execute("delete from audit.checked_days where as_of_date = ?", [FIRST_AS_OF])
    published, served = shop.published(), shop.served()
    printed = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)
    assert "unique_key_customer_segments_as_of_date__customer_id" in printed
    assert (shop.published(), shop.served()) == (published, served)
    shop.strata("run", "--as-of", str(FIRST_AS_OF))
    with duckdb.connect(str(shop.settings.paths.warehouse), read_only=True) as con:
        checked = con.execute("select as_of_date from audit.checked_days").fetchall()
    assert (FIRST_AS_OF,) in checked


def test_a_list_is_tested_though_its_day_has_passed(shop: Shop) -> None:
    """Lists are drawn up by an invocation of dbt's own, when the checks of their day may have been made."""
    spoil(shop, "reactivation_list")
    printed = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)
    assert "unique_key_reactivation_list_" in printed


def test_where_no_day_is_noted_as_checked_every_day_is_checked_and_noted(shop: Shop) -> None:
    with duckdb.connect(str(shop.settings.paths.warehouse)) as con:
        con.execute("drop table audit.checked_days")
    with held(shop.settings.paths.warehouse, who="a check", wait_seconds=0) as warehouse:
        refuse_failed_checks(warehouse, shop.settings)
        with warehouse.connection() as con:
            assert con.execute("select as_of_date from audit.checked_days").fetchall() == [(FIRST_AS_OF,)]


def test_a_customer_that_a_join_loses_on_the_way_fails_the_run_s_tests(shop: Shop) -> None:
    compiled = (shop.settings.paths.dbt_target / "compiled").rglob("no_row_lost_*.sql")
    tests = {path.stem.partition("_ref_")[0].removeprefix("no_row_lost_"): path.read_text() for path in compiled}
    assert tests.keys() == {"silent_customers", "customer_segments"}
    with duckdb.connect(str(shop.settings.paths.warehouse)) as con:
        assert [con.execute(query).fetchall() for query in tests.values()] == [[], []], "the day has passed"
        con.execute("delete from audit.checked_days")
        for table, query in tests.items():
            assert con.execute(query).fetchall() == [], table
            [[rows]] = con.execute(f"select count(*) from marts.{table}").fetchall()
            con.execute(f"delete from marts.{table} where customer_id = (select max(customer_id) from marts.{table})")
            assert con.execute(query).fetchall() == [(FIRST_AS_OF, rows, rows - 1)], table
            con.execute(f"delete from marts.{table}")
            assert con.execute(query).fetchall() == [(FIRST_AS_OF, rows, None)], table
