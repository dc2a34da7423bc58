"""Databases on a PostgreSQL of the tests: one for each who would find another's tables in the way."""

from __future__ import annotations

from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi


def address_of(server: str, database: str) -> str:
    """The address of a database on the server that `server` is an address of."""
    return urlsplit(server)._replace(path=f"/{database}").geturl()


def make_database(server: str, database: str, *, template: str = "template1") -> str:
    """Make a database, anew where it is there, as a copy of `template`, which nobody may be using; its address."""
    remove_database(server, database)
    _execute(server, f'create database "{database}" template "{template}"')
    return address_of(server, database)


def remove_database(server: str, database: str) -> None:
    """Remove a database, whoever is connected to it."""
    _execute(server, f'drop database if exists "{database}" with (force)')


def _execute(server: str, statement: str) -> None:
    with adbc_driver_postgresql.dbapi.connect(server, autocommit=True) as con, con.cursor() as cursor:
        cursor.execute(statement)
