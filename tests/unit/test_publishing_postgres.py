"""The PostgreSQL target against a real server: types, keys, whole days, and errors that keep the password."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pytest
from pydantic import SecretStr

from dagster_project.publishing.postgres import publish_postgres
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.publishing import PublishedTable, PublishingSettings

DAYS = [date(2017, 12, 31), date(2018, 1, 1)]


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


@pytest.fixture
def settings(publishing_settings: PublishingSettings, request: pytest.FixtureRequest) -> PublishingSettings:
    """The shipped settings, publishing to a schema of this test's own."""
    postgres = publishing_settings.postgres.model_copy(
        update={"enabled": True, "schema_name": f"t{sha256(request.node.name.encode()).hexdigest()[:12]}"}
    )
    tables = (*publishing_settings.tables, PublishedTable.FCT_ORDERS)
    return publishing_settings.model_copy(update={"postgres": postgres, "tables": tables})


@pytest.fixture
def publish(con, settings, postgres_server):
    def publish(days=DAYS, code="0.1.0+aaaa", thinned=()):
        return publish_postgres(
            con, url=SecretStr(postgres_server), settings=settings, days=days, code_version=code, thinned=thinned
        )

    return publish


@pytest.fixture
def query(settings, postgres_server):
    with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as target:

        def query(statement: str) -> list[tuple[Any, ...]]:
            with target.cursor() as cursor:
                cursor.execute(statement.replace("$s", settings.postgres.schema_name))
                return cursor.fetchall() if cursor.description else []

        yield query


def test_every_table_arrives_row_for_row(con, publish, query, settings) -> None:
    parts = publish()
    assert [part.is_changed for part in parts] == [True, True, True]
    for table in settings.tables:
        source = "intermediate.int_customer_days" if table == "customer_days" else f"marts.{table}"
        columns = ", ".join(f'"{name}"' for name, *_ in con.execute(f"describe {source}").fetchall())
        expected = con.execute(f"select {columns} from {source}").fetchall()
        got = query(f'select {columns} from "$s".{table}')
        assert sorted(map(str, normal(got))) == sorted(map(str, normal(expected))), table
    assert query('select count(*) from "$s".customer_aliases') == [(60,)]
    assert query("""select label_zh from "$s".labels where code = 'silent'""") == [("沉默客户",)]


def normal(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Numbers without trailing zeros, and times as moments, since the two drivers write them differently."""

    def one(value: Any) -> Any:
        if isinstance(value, bool) or value is None:
            return value
        if hasattr(value, "timestamp"):
            return value.timestamp()
        try:
            return format(Decimal(str(value)).normalize(), "f")
        except ArithmeticError:
            return value

    return [tuple(map(one, row)) for row in rows]


def test_columns_have_exact_types_and_tables_their_primary_keys(publish, query) -> None:
    publish()
    types = dict(
        query(
            "select column_name, data_type || coalesce('(' || numeric_precision || ',' || numeric_scale || ')', '') "
            "from information_schema.columns where table_schema = '$s' and table_name = 'customer_segments'"
        )
    )
    assert types["as_of_date"] == "date"
    assert types["customer_id"] == "bigint(64,0)"
    assert types["revenue"] == "numeric(18,2)"
    assert types["is_loyal"] == "boolean"
    assert types["r_score"] == "integer(32,0)"
    assert types["rfm_cell"] == "text"
    keys = query(
        "select c.relname, string_agg(a.attname, ', ' order by array_position(i.indkey::int[], a.attnum::int)) "
        "from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) "
        "where n.nspname = '$s' and i.indisprimary group by 1"
    )
    assert dict(keys)["customer_segments"] == "as_of_date, customer_id"
    assert dict(keys)["fct_orders"] == "source, order_id"


def test_a_day_published_again_is_replaced_and_an_unchanged_one_left_alone(con, publish, query) -> None:
    publish()
    rows = "select xmin::text, ctid::text from \"$s\".customer_segments where as_of_date = '2017-12-31' order by 2"
    before = query(rows)
    con.execute("update marts.customer_segments set owner = 'X' where as_of_date = '2018-01-01'")
    assert [part.is_changed for part in publish()] == [False, True, False]
    assert query(rows) == before
    assert query('select as_of_date, count(*), max(owner) from "$s".customer_segments group by 1 order by 1')[1] == (
        DAYS[1],
        60,
        "X",
    )
    assert query('select count(*) from "$s".publication') == [(3,)]


def test_a_day_that_somebody_emptied_is_filled_again(publish, query) -> None:
    publish()
    query("delete from \"$s\".customer_rfm where as_of_date = '2018-01-01'")
    assert [part.is_changed for part in publish()] == [False, True, False]
    assert query('select count(*) from "$s".customer_rfm') == [(120,)]


def test_a_thinned_day_leaves_every_table_of_days_and_the_list_of_what_is_there(publish, query) -> None:
    publish()
    history = query('select count(*) from "$s".segment_history')
    publish(days=[], thinned=[DAYS[1], date(2018, 1, 2)])
    for table in ("customer_segments", "segment_summary", "segment_migration"):
        assert query(f'select distinct as_of_date from "$s".{table}') == [(DAYS[0],)], table
    assert query('select distinct evaluated_on from "$s".classification_backtest') == [(DAYS[0],)]
    assert query('select part from "$s".publication order by 1') == [("2017-12-31",), ("as_known_now",)]
    assert query('select count(*) from "$s".segment_history') == history
    publish()
    assert query('select count(*) from "$s".customer_segments') == [(120,)]


def test_an_error_half_way_leaves_the_day_as_it_was(con, publish, query) -> None:
    publish()
    con.execute("update marts.customer_segments set owner = 'X'")
    con.execute("insert into marts.silent_customers select * from marts.silent_customers")  # breaks its primary key
    with pytest.raises(PublishingError, match="duplicate key"):
        publish()
    assert query("""select count(*) from "$s".customer_segments where owner = 'X'""") == [(0,)]
    assert query('select count(*) from "$s".customer_segments') == [(120,)]


def test_readers_see_the_old_day_or_the_new_one(con, publish, query, settings, postgres_server) -> None:
    def change(version: str) -> None:
        con.execute("update marts.customer_segments set owner = ?", [version])
        con.execute("update marts.silent_customers set return_band = ?", [version])

    change("0")
    publish()
    stop, seen = threading.Event(), set()

    def look() -> None:
        schema = settings.postgres.schema_name
        with (
            adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as target,
            target.cursor() as cursor,
        ):
            while not stop.is_set():
                cursor.execute(
                    f"""select (select string_agg(distinct owner, ',') from "{schema}".customer_segments
                    where as_of_date = '2018-01-01'), (select string_agg(distinct return_band, ',')
                    from "{schema}".silent_customers where as_of_date = '2018-01-01')"""
                )
                seen.update(cursor.fetchall())

    reader = threading.Thread(target=look)
    reader.start()
    for version in "123":
        change(version)
        publish()
    stop.set()
    reader.join()
    assert seen
    assert seen <= {(version, version) for version in "0123"}


def test_a_table_with_other_columns_is_refused_with_what_differs(publish, query) -> None:
    publish()
    query('alter table "$s".customer_value rename column value_tier to tier')
    query('alter table "$s".customer_value alter column value_share type double precision')
    with pytest.raises(PublishingError) as refused:
        publish()
    message = str(refused.value)
    assert "customer_value differs" in message
    assert "value_tier is missing" in message
    assert "tier is not published" in message
    assert "value_share is double precision, published as numeric(18,6)" in message


def test_columns_in_another_order_are_filled_by_name(con, publish, query) -> None:
    query('create schema "$s"')
    query(
        'create table "$s".customer_value (value_tier text, value_reason text, value_measure text, '
        "value numeric(18,2), standard_version text, value_share numeric(18,6), "
        "cumulative_value_share numeric(18,6), share_above numeric(18,6), customer_id bigint, as_of_date date)"
    )
    publish()
    assert (
        query("""select count(*) from "$s".customer_value where value_tier in ('high', 'mid', 'low')""")
        == con.execute(
            "select count(*) from marts.customer_value where value_tier in ('high', 'mid', 'low')"
        ).fetchall()
    )


def test_no_address_is_an_error_that_names_the_variable(con, settings) -> None:
    with pytest.raises(PublishingError, match="STRATA_POSTGRES_URL is not set"):
        publish_postgres(con, url=None, settings=settings, days=DAYS, code_version="x")


def test_an_unreachable_server_is_named_and_its_password_is_not(con, settings) -> None:
    url = SecretStr("postgresql://strata:s3cret%21@127.0.0.1:1/analytics")
    with pytest.raises(PublishingError, match=r"127\.0\.0\.1") as refused:
        publish_postgres(con, url=url, settings=settings, days=DAYS, code_version="x")
    assert "s3cret" not in str(refused.value)
