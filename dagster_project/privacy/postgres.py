"""A person's rows in PostgreSQL, where that is a target: found and taken out by the names of columns, as everywhere.

Which tables are published there is publishing's to say; here every table of its schemas is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi

from dagster_project.privacy.claims import Keys, claim, key_statements
from dagster_project.publishing.postgres import without_secret
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal


def held_in_postgres(settings: Settings, keys: Keys) -> list[tuple[str, str, int]]:
    """(schema, table, rows) of the person; nothing where PostgreSQL is no target.

    Raises:
        PublishingError: it is one, and cannot be reached.
    """
    found = []
    with connected(settings) as target:
        if target is None:
            return []
        with target.cursor() as cursor:
            for statement in key_statements(keys):
                cursor.execute(statement)
            for schema, table, condition in claimed(cursor, settings):
                name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
                cursor.execute(f"select count(*) from {name} where {condition}")
                [[rows]] = cursor.fetchall()
                if rows:
                    found.append((schema, table, int(rows)))
        target.rollback()
    return found


@contextmanager
def connected(settings: Settings) -> Iterator[Any]:
    """A connection to the target; None where PostgreSQL is none."""
    url = settings.environment.postgres_url
    publishing = settings.publishing
    if url is None and not (publishing.postgres.enabled or publishing.lists.postgres.enabled):
        yield None
        return
    if url is None:
        raise PublishingError(
            "publishing.yaml enables postgres, but the environment variable STRATA_POSTGRES_URL is not set: what "
            "PostgreSQL holds about a person cannot be seen. Set it as for a run."
        )
    secret = url.get_secret_value()
    try:
        with adbc_driver_postgresql.dbapi.connect(secret) as target:
            yield target
    except adbc_driver_manager.Error as error:
        raise PublishingError(f"PostgreSQL (STRATA_POSTGRES_URL): {without_secret(str(error), secret)}") from None


def claimed(cursor: Any, settings: Settings) -> list[tuple[str, str, str]]:
    """(schema, table, condition) of every table that can hold rows of the person."""
    return [
        (schema, table, condition)
        for schema, table, columns in tables_of(cursor, settings)
        if (condition := claim(columns, are_numbers_text=True)) is not None
    ]


def tables_of(cursor: Any, settings: Settings) -> list[tuple[str, str, list[str]]]:
    """(schema, table, columns) of every table of the published schema and of that of the lists."""
    schemas = (settings.publishing.postgres.schema_name, settings.publishing.personal_schema)
    listed = ", ".join(quote_literal(schema) for schema in schemas)
    cursor.execute(
        "select n.nspname::text, c.relname::text, a.attname::text from pg_attribute a "
        "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
        f"where n.nspname in ({listed}) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped "
        "order by 1, 2, a.attnum"
    )
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in cursor.fetchall():
        columns.setdefault((schema, table), []).append(column)
    return [(schema, table, names) for (schema, table), names in columns.items()]
