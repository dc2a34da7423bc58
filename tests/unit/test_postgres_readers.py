"""Roles that read the published tables in PostgreSQL, tried as real roles: they see the segments and no list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import pytest
from pydantic import SecretStr

from dagster_project.publishing.lists import write_lists
from dagster_project.publishing.postgres import publish_postgres
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Paths
from dagster_project.settings.publishing import PublishingSettings

DAY = date(2018, 1, 1)


@pytest.fixture
def role(request: pytest.FixtureRequest) -> str:
    return f"r{sha256(request.node.name.encode()).hexdigest()[:12]}"


@pytest.fixture
def settings(publishing_settings: PublishingSettings, role: str) -> PublishingSettings:
    """The shipped settings with tables and lists in PostgreSQL, in schemas of this test's own, and one reader."""
    document = publishing_settings.model_dump(by_alias=True)
    postgres = {"enabled": True, "schema": f"s{role}", "readers": [role]}
    return PublishingSettings.model_validate(
        {**document, "postgres": postgres, "lists": {"postgres": {"enabled": True}}}
    )


@pytest.fixture
def query(settings: PublishingSettings, postgres_server: str):
    with adbc_driver_postgresql.dbapi.connect(postgres_server, autocommit=True) as target:

        def query(text: str) -> list[tuple[Any, ...]]:
            text = text.replace("$lists", settings.personal_schema).replace("$s", settings.postgres.schema_name)
            with target.cursor() as cursor:
                for statement in text.split(";"):
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

        yield query


@pytest.fixture
def publish(marts, tmp_path: Path, settings: PublishingSettings, postgres_server: str):
    """Publish the day and its lists, as a run does."""
    url = SecretStr(postgres_server)
    paths = Paths(root=tmp_path, config=tmp_path / "config", data=tmp_path / "data")

    def publish() -> None:
        publish_postgres(marts, url=url, settings=settings, days=[DAY], code_version="0.1.0+aaaa")
        write_lists(
            marts,
            paths=paths,
            settings=settings,
            day=DAY,
            currency="USD",
            now=datetime(2018, 1, 2, tzinfo=UTC),
            who="test",
            why="test",
            postgres_url=url,
        )

    return publish


@contextmanager
def acting_as(query, role: str) -> Iterator[None]:
    query(f"set role {role}")
    try:
        yield
    finally:
        query("reset role")


def test_a_reader_sees_every_published_table_and_no_list(publish, query, role: str) -> None:
    query(f"create role {role}")
    publish()
    tables = [table for (table,) in query("select tablename from pg_tables where schemaname = '$s'")]
    assert {"customer_segments", "customer_aliases", "publication"} <= {*tables}
    with acting_as(query, role):
        for table in tables:
            query(f'select count(*) from "$s"."{table}"')
        for table in ("lists", "list_exports"):
            with pytest.raises(Exception, match="permission denied for schema"):
                query(f'select * from "$lists".{table}')
        for statement in ('delete from "$s".customer_segments', 'create table "$s".mine (x int)'):
            with pytest.raises(Exception, match="permission denied"):
                query(statement)


def test_what_a_reader_was_given_by_default_on_the_lists_is_taken_back(publish, query, role: str) -> None:
    query(f"create role {role}")
    query(f'create schema "$lists"; grant usage on schema "$lists" to {role}')
    query(f'alter default privileges in schema "$lists" grant select on tables to {role}')
    publish()
    with acting_as(query, role), pytest.raises(Exception, match="permission denied for schema"):
        query('select * from "$lists".lists')
    [[may_select]] = query(f"select has_table_privilege('{role}', '\"$lists\".lists', 'select')")
    assert not may_select


def test_no_list_is_written_where_a_reader_may_enter_as_member_of_another_role(publish, query, role: str) -> None:
    query(
        f"create role {role}_boss superuser; create role {role}; create role {role}_group; grant {role}_group to {role}"
    )
    query(f'create schema "$lists"; grant usage on schema "$lists" to {role}_group')
    with pytest.raises(PublishingError, match=f"role {role}, one of postgres.readers, may enter the schema"):
        publish()
    assert query("select tablename from pg_tables where schemaname = '$lists'") == []


def test_a_reader_that_is_not_there_is_named_and_nothing_is_published(publish, query, role: str) -> None:
    with pytest.raises(PublishingError, match=f"no role {role}, named in postgres.readers"):
        publish()
    assert query("select tablename from pg_tables where schemaname = '$s'") == []
