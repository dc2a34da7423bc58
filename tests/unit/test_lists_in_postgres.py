"""Lists in a real PostgreSQL: in a schema of their own, whole days, no right for readers, nothing moved by a rerun."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from dagster_project.publishing.audit import read_records
from dagster_project.publishing.lists import DayLists, write_lists
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import PublishingSettings

DAY = date(2018, 1, 1)
NOW = datetime(2018, 1, 2, 6, 30, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=tmp_path, config=tmp_path / "config", data=tmp_path / "data")


@pytest.fixture
def settings(publishing_settings: PublishingSettings, request: pytest.FixtureRequest) -> PublishingSettings:
    """The shipped settings with lists in PostgreSQL, in a schema of this test's own."""
    document = publishing_settings.model_dump(by_alias=True)
    name = f"t{sha256(request.node.name.encode()).hexdigest()[:12]}"
    lists = {"parquet": {"enabled": True}, "postgres": {"enabled": True}}
    return PublishingSettings.model_validate({**document, "postgres": {"schema": name}, "lists": lists})


@pytest.fixture
def write(marts, paths, settings, postgres_server):
    def write(url: str | None = postgres_server) -> DayLists:
        return write_lists(
            marts,
            paths=paths,
            settings=settings,
            day=DAY,
            currency="USD",
            now=NOW,
            who="strata run",
            why="daily list",
            postgres_url=SecretStr(url) if url else None,
        )

    return write


@pytest.fixture
def query(settings, postgres_server):
    with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as target:

        def query(statement: str) -> list[tuple[Any, ...]]:
            with target.cursor() as cursor:
                cursor.execute(statement.replace("$s", settings.personal_schema))
                return cursor.fetchall() if cursor.description else []

        yield query


def test_every_list_stands_in_one_table_with_the_fields_of_its_channel_alone(write, query, settings) -> None:
    lists = write()
    assert query("select sum(1) from $s.lists") == [(sum(entry.rows for entry in lists.lists),)]
    for entry in lists.lists:
        table = pq.read_table(entry.csv.with_suffix(".parquet"))
        columns = [name for name in ("task_id", "contact", "offer", "position") if name in table.column_names]
        expected = [tuple(row.values()) for row in table.select(columns).to_pylist()]
        got = query(f"select {', '.join(columns)} from $s.lists where channel = '{entry.channel}' order by position")
        assert got == expected
    assert query("select count(name), count(talking_points), count(*) > 0 from $s.lists where channel = 'sms'") == [
        (0, 0, True)
    ]
    assert query("select count(*) from $s.lists where campaign_id is null or as_of_date <> '2018-01-01'") == [(0,)]


def test_a_rerun_writes_nothing_and_a_changed_contact_replaces_the_day(marts, paths, write, query) -> None:
    write()
    before = query("select ctid::text, xmin::text, task_id from $s.lists order by 3")
    write()
    assert query("select ctid::text, xmin::text, task_id from $s.lists order by 3") == before
    records = len(read_records(paths.audit / "list_exports.jsonl"))
    marts.execute("update personal.customer_contacts set phone = '+16065550000'")
    write()
    assert query("select distinct contact from $s.lists where channel = 'sms'") == [("+16065550000",)]
    assert len(query("select task_id from $s.lists")) == len(before)
    assert len(read_records(paths.audit / "list_exports.jsonl")) == records + 2


def test_rows_that_somebody_deleted_come_back(write, query) -> None:
    write()
    (count,) = query("select count(*) from $s.lists")[0]
    query("delete from $s.lists where channel = 'sms'")
    write()
    assert query("select count(*) from $s.lists") == [(count,)]


def test_whatever_people_are_called_arrives_whole(marts, write, query) -> None:
    names = ["=1+1", "\u202eevil\u202c שלום", "𠮷野家 䶮", "👩‍👩‍👧‍👦", "a'b\"c\\d;--", "first\nsecond", "名" * 40_000]
    listed = marts.execute(
        "select customer_id from marts.reactivation_list where arm = 'treated' and channel <> 'sms' order by all"
    ).fetchall()
    held = {str(customer_id): name for (customer_id,), name in zip(listed, names, strict=False)}
    assert len(held) == len(names)
    for customer_id, name in held.items():
        marts.execute(
            "update personal.customer_contacts set name = ? where customer_id = ?",
            [f"{name[:3]}\0{name[3:]}", int(customer_id)],
        )
    write()
    rows = dict(query("select customer_id, name from $s.lists where name is not null"))
    assert {customer_id: rows[customer_id] for customer_id in held} == held


def test_a_reader_of_the_segments_cannot_read_the_lists(write, query, settings) -> None:
    role = f"{settings.personal_schema}_reader"
    write()
    query(f"create role {role}")
    query(f"set role {role}")
    for statement in ("select * from $s.lists", "select * from $s.list_exports"):
        with pytest.raises(Exception, match="permission denied for schema"):
            query(statement)
    query("reset role")


def test_every_export_to_postgres_is_on_record(paths, write, settings) -> None:
    write()
    for record in read_records(paths.audit / "list_exports.jsonl"):
        assert f"postgres:{settings.personal_schema}.lists" in record["files"]


def test_a_server_that_is_down_is_named_without_its_password_and_the_files_stand(paths, write, query) -> None:
    with pytest.raises(PublishingError, match="PostgreSQL") as refused:
        write("postgresql://strata:s3cret-word@127.0.0.1:1/none")
    assert "s3cret-word" not in str(refused.value)
    assert len(list(paths.lists.rglob("*.xlsx"))) == 4
    write()
    assert query("select count(*) > 0 from $s.lists") == [(True,)]


def test_without_an_address_the_setting_is_named(write) -> None:
    with pytest.raises(PublishingError, match=r"lists\.postgres.*STRATA_POSTGRES_URL is not set"):
        write(None)


def test_a_table_with_other_columns_is_not_altered_and_the_difference_is_told(write, query) -> None:
    write()
    query("alter table $s.lists add column remark text")
    with pytest.raises(PublishingError, match="remark is not published"):
        write()
