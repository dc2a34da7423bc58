"""The serving copy: readers always see a whole version, and it holds nothing personal."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.publishing.serving import publish_serving_copy

DAYS = [date(2017, 12, 31), date(2018, 1, 1)]


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


def publish(con, folder, settings, code="0.1.0+aaaa", days=DAYS, **how):
    return publish_serving_copy(con, folder=folder, settings=settings, days=days, code_version=code, **how)


def read(path: Path, statement: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as reader:
        return reader.execute(statement).fetchall()


def test_the_copy_holds_every_stored_day_the_aliases_and_the_labels(con, tmp_path, publishing_settings) -> None:
    copy = publish(con, tmp_path, publishing_settings)
    assert copy.is_changed
    assert copy.days == tuple(DAYS)
    for table in (*publishing_settings.tables, "customer_aliases", "labels"):
        source = {
            "customer_aliases": "identity.customer_aliases",
            "labels": "control.labels",
            "customer_days": "intermediate.int_customer_days",
        }.get(table, f"marts.{table}")
        expected = con.execute(f"select count(*) from {source}").fetchone()
        assert read(copy.path, f"select count(*) from strata.{table}") == [expected]
    assert read(copy.path, "select as_of_date, standard_version, code_version from strata.publication order by 1") == [
        *((day, "default-5d1c0f2a", "0.1.0+aaaa") for day in DAYS),
        (None, None, "0.1.0+aaaa"),  # the tables without a day
    ]


def test_the_copy_holds_no_personal_data_and_no_other_schema(con, tmp_path, publishing_settings) -> None:
    copy = publish(con, tmp_path, publishing_settings)
    schemas = read(copy.path, "select distinct schema_name from duckdb_columns() where not internal")
    # A standard has a name; it is nobody's.
    columns = read(
        copy.path, "select column_name from duckdb_columns() where not internal and table_name <> 'standards'"
    )
    assert schemas == [("main",)]
    assert not {"name", "phone", "email", "wechat_id", "contact"} & {column for (column,) in columns}
    assert b"+1606555" not in copy.path.read_bytes()


def test_a_past_computed_before_any_list_is_published_without_the_tables_of_lists(
    con, tmp_path, publishing_settings
) -> None:
    con.execute("drop table marts.reactivation_list")
    con.execute("drop table marts.reactivation_list_notes")
    copy = publish(con, tmp_path, publishing_settings)
    tables = {name for (name,) in read(copy.path, "select table_name from duckdb_tables()")}
    assert tables >= {"customer_segments", "silent_customers"}
    assert not tables & {"reactivation_list", "reactivation_list_notes"}


def test_the_view_of_reasons_says_in_the_copy_what_it_says_in_the_warehouse(con, tmp_path, publishing_settings) -> None:
    con.execute("create view marts.another as select 1 as one")
    con.execute("drop table marts.customer_reasons")
    con.execute("create view marts.customer_reasons as select customer_id from marts.customer_segments")
    publish(con, tmp_path, publishing_settings)
    copy = tmp_path / "strata.duckdb"
    assert len(read(copy, "from customer_reasons")) == len(con.execute("from marts.customer_reasons").fetchall()) > 0
    assert not read(copy, "select view_name from duckdb_views() where view_name = 'another'")
    con.execute("create or replace view marts.customer_reasons as select 1 as one from marts.another")
    con.execute("update marts.customer_segments set owner = 'somebody else'")
    publish(con, tmp_path, publishing_settings)
    assert not read(copy, "select view_name from duckdb_views() where view_name = 'customer_reasons'")


def test_the_copy_is_one_read_only_file_without_a_log_beside_it(con, tmp_path, publishing_settings) -> None:
    copy = publish(con, tmp_path, publishing_settings)
    assert [path.name for path in tmp_path.iterdir()] == ["strata.duckdb"]
    assert copy.path.stat().st_mode & 0o777 == 0o444


def test_an_unchanged_warehouse_leaves_the_copy_alone(con, tmp_path, publishing_settings) -> None:
    before = publish(con, tmp_path, publishing_settings).path.stat()
    again = publish(con, tmp_path, publishing_settings)
    assert not again.is_changed
    assert (again.path.stat().st_ino, again.path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    con.execute("update marts.customer_segments set owner = 'X' where customer_id = 1 and as_of_date = '2018-01-01'")
    assert publish(con, tmp_path, publishing_settings).is_changed
    assert publish(con, tmp_path, publishing_settings, code="0.2.0+bbbb").is_changed


def test_another_value_in_a_table_without_days_is_published(con, tmp_path, publishing_settings) -> None:
    copy = publish(con, tmp_path, publishing_settings)
    con.execute("update marts.dim_customers set region = 'elsewhere'")
    assert publish(con, tmp_path, publishing_settings).is_changed
    with duckdb.connect(str(copy.path), read_only=True) as served:
        assert served.execute("select distinct region from dim_customers").fetchall() == [("elsewhere",)]


def assert_same_rows(one: Path, other: Path) -> None:
    """The serving copies in two folders hold the same rows in every table."""
    with duckdb.connect() as con:
        con.execute(f"attach '{one / 'strata.duckdb'}' as one (read_only)")
        con.execute(f"attach '{other / 'strata.duckdb'}' as other (read_only)")
        tables = con.execute("select distinct table_name from duckdb_tables()").fetchall()
        assert ("publication",) in tables
        for (table,) in tables:
            missing = f"(from one.{table} except all from other.{table})"
            added = f"(from other.{table} except all from one.{table})"
            assert not con.execute(f"from {missing} union all from {added}").fetchall(), table


def test_only_the_days_of_the_run_are_read_again(con, tmp_path, publishing_settings) -> None:
    first, last = DAYS
    copy = publish(con, tmp_path, publishing_settings)
    con.execute("update marts.customer_segments set owner = 'X'")
    assert publish(con, tmp_path, publishing_settings, days=[last]).is_changed
    owners = dict(read(copy.path, "select as_of_date, bool_and(owner = 'X') from strata.customer_segments group by 1"))
    assert owners == {first: False, last: True}


def test_a_copy_that_goes_on_holds_what_one_filled_anew_holds(con, tmp_path, publishing_settings) -> None:
    first, last = DAYS
    of_one_day = con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' "
        "and column_name in ('as_of_date', 'evaluated_on') "
        "and table_name in (select table_name from duckdb_tables())"
    ).fetchall()
    for table, column in of_one_day:
        con.execute(f"create table kept_{table} as from marts.{table} where {column} = ?", [first])
        con.execute(f"delete from marts.{table} where {column} = ?", [first])
    going_on, anew = tmp_path / "going_on", tmp_path / "anew"
    assert publish(con, going_on, publishing_settings, days=[last]).days == (last,)
    for table, _ in of_one_day:
        con.execute(f"insert into marts.{table} from kept_{table}")
    con.execute("update marts.customer_features set revenue = revenue + 1 where as_of_date = ?", [last])
    con.execute("delete from marts.segment_history where customer_id = 1")
    assert publish(con, going_on, publishing_settings, days=[last]).days == tuple(DAYS)
    publish(con, anew, publishing_settings, anew=True)
    assert_same_rows(going_on, anew)
    for table, column in of_one_day:  # the last day is thinned
        con.execute(f"delete from marts.{table} where {column} = ?", [last])
    assert publish(con, going_on, publishing_settings, days=[]).days == (first,)
    publish(con, anew, publishing_settings, anew=True)
    assert_same_rows(going_on, anew)


def test_whoever_was_taken_out_of_past_days_leaves_no_trace_in_the_file(con, tmp_path, publishing_settings) -> None:
    first, last = DAYS
    con.execute("update marts.customer_segments set owner = 'Remembered Rep' where customer_id = 1")
    copy = publish(con, tmp_path, publishing_settings)
    assert b"Remembered Rep" in copy.path.read_bytes()
    con.execute("delete from marts.customer_segments where customer_id = 1 and as_of_date = ?", [first])
    con.execute("update marts.customer_segments set owner = null where customer_id = 1")
    publish(con, tmp_path, publishing_settings, days=[last])
    assert b"Remembered Rep" not in copy.path.read_bytes()


def test_an_erasure_has_the_file_filled_anew(con, tmp_path, publishing_settings) -> None:
    con.execute("update marts.customer_segments set owner = 'Remembered Rep' where customer_id = 1")
    copy = publish(con, tmp_path, publishing_settings)
    con.execute("update marts.customer_segments set owner = null where customer_id = 1")
    publish(con, tmp_path, publishing_settings, anew=True)
    assert b"Remembered Rep" not in copy.path.read_bytes()


def test_leftovers_of_a_killed_run_and_a_damaged_copy_are_replaced(con, tmp_path, publishing_settings) -> None:
    (tmp_path / ".strata.duckdb.unfinished").write_bytes(b"half")
    (tmp_path / ".strata.duckdb.unfinished.wal").write_bytes(b"half")
    (tmp_path / "strata.duckdb").write_bytes(b"no database")
    copy = publish(con, tmp_path, publishing_settings)
    assert [path.name for path in tmp_path.iterdir()] == ["strata.duckdb"]
    assert read(copy.path, "select count(*) from strata.customer_segments") == [(120,)]


def test_an_error_half_way_leaves_the_old_copy_and_the_connection_usable(con, tmp_path, publishing_settings) -> None:
    publish(con, tmp_path, publishing_settings)
    con.execute("alter table marts.customer_features add column bad varchar")
    con.execute("update marts.customer_features set bad = 'x'")
    con.execute("create or replace view marts.broken as select 1 / 0")
    con.execute("drop table marts.customer_value")
    con.execute(
        "create view marts.customer_value as select *, error('boom')::varchar as e from marts.customer_features"
    )
    with pytest.raises(duckdb.Error, match="boom"):
        publish(con, tmp_path, publishing_settings)
    assert read(tmp_path / "strata.duckdb", "select count(*) from strata.customer_value") == [(120,)]
    assert con.execute("select count(*) from marts.customer_segments").fetchone() == (120,)
    con.execute("drop view marts.customer_value")
    con.execute("create table marts.customer_value as select as_of_date, customer_id from marts.customer_features")
    assert publish(con, tmp_path, publishing_settings).is_changed


def test_readers_never_fail_and_never_see_a_mixture(con, tmp_path, publishing_settings) -> None:
    con.execute("update marts.customer_segments set owner = '0'")
    con.execute("update marts.silent_customers set return_band = '0'")
    copy = publish(con, tmp_path, publishing_settings)
    stop, seen, failures = threading.Event(), set(), []

    def look() -> None:
        while not stop.is_set():
            try:
                seen.update(
                    read(
                        copy.path,
                        "select (select string_agg(distinct owner) from strata.customer_segments), "
                        "(select string_agg(distinct return_band) from strata.silent_customers)",
                    )
                )
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for version in "123":
        con.execute("update marts.customer_segments set owner = ?", [version])
        con.execute("update marts.silent_customers set return_band = ?", [version])
        publish(con, tmp_path, publishing_settings)
    stop.set()
    reader.join()
    assert not failures
    assert seen <= {(version, version) for version in "0123"}
