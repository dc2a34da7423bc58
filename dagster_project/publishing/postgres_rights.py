"""Who may read what in PostgreSQL: roles that read the published tables, and never the schema of the lists.

Roles are made by whoever runs the server; here they are given rights, or have them taken, within open transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dagster_project.publishing.tables import PublishingError
from dagster_project.sql_text import quote_identifier, quote_literal


def let_read(cursor: Any, schema: str, readers: Sequence[str]) -> None:
    """Let `readers` read every table of `schema`, and no more; a right that is there is not given again.

    Raises:
        PublishingError: a role is not there.
    """
    for role in _present(cursor, readers):
        name, grantee = quote_identifier(schema), quote_identifier(role)
        if not _may_enter(cursor, schema, role):
            cursor.execute(f"grant usage on schema {name} to {grantee}")
        for table in _tables(cursor, schema, without=role):
            cursor.execute(f"grant select on {name}.{quote_identifier(table)} to {grantee}")


def keep_out(cursor: Any, schema: str, readers: Sequence[str]) -> None:
    """Take from `readers` what they were given on `schema`, by default privileges say, and make sure that it is gone.

    Raises:
        PublishingError: a role is not there, or may still enter: as a superuser, or as a member of a role that may.
    """
    for role in _present(cursor, readers):
        name, grantee = quote_identifier(schema), quote_identifier(role)
        cursor.execute(f"revoke all on all tables in schema {name} from {grantee}")
        cursor.execute(f"revoke all on schema {name} from {grantee}")
        if _may_enter(cursor, schema, role):
            raise PublishingError(
                f"The PostgreSQL role {role}, one of postgres.readers, may enter the schema {schema}, which has names "
                "and contact points: it is a superuser or a member of a role that may. Take that from it, or take it "
                "out of postgres.readers. No list was written there."
            )


def _present(cursor: Any, readers: Sequence[str]) -> Sequence[str]:
    listed = ", ".join(map(quote_literal, readers))
    there = {role for (role,) in _rows(cursor, f"select rolname from pg_roles where rolname in ({listed or 'null'})")}
    missing = [role for role in readers if role not in there]
    if missing:
        raise PublishingError(
            f"PostgreSQL has no role {', '.join(missing)}, named in postgres.readers of publishing.yaml. Have it made "
            "(`create role …`), or take it out there."
        )
    return readers


def _may_enter(cursor: Any, schema: str, role: str) -> bool:
    [[may]] = _rows(cursor, f"select has_schema_privilege({quote_literal(role)}, {quote_literal(schema)}, 'usage')")
    return bool(may)


def _tables(cursor: Any, schema: str, *, without: str) -> list[str]:
    """Tables of the schema that a role may not read."""
    return [
        table
        for (table,) in _rows(
            cursor,
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            f"where n.nspname = {quote_literal(schema)} and c.relkind = 'r' "
            f"and not has_table_privilege({quote_literal(without)}, c.oid, 'select') order by 1",
        )
    ]


def _rows(cursor: Any, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
