"""Dagster's own SQLite storage with its connections kept: a run writes some thousand events, each a commit of its own.

Dagster opens and closes a connection for each event, and the last one to close a SQLite file in WAL mode folds the log
into it and syncs three times: 14 ms for a materialization against 1.4 ms here. Files and tables are Dagster's; whoever
reads them with its stock storage reads the same. dagster.yaml names `InstallationStorage`, which is this one or, where
the environment names a database, Dagster's PostgreSQL storage.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from dagster_project.errors import SettingsError
from dagster_project.settings.environment import DAGSTER_POSTGRES_URL, read_environment

# The page of a long-lived webserver looks at many runs; each kept run is two open files.
RUNS_KEPT_OPEN = 8
BUSY_SECONDS = 60


class LocalStorage(DagsterSqliteStorage):
    """What `storage: sqlite` is, with `KeptEventLog` for its events."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        stock = self._event_log_storage
        self._event_log_storage = KeptEventLog(stock._base_dir)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> LocalStorage:
        return cls.from_local(config_value["base_dir"], inst_data)


class InstallationStorage(LocalStorage):
    """What dagster.yaml names: PostgreSQL where STRATA_DAGSTER_POSTGRES_URL is set, else SQLite files.

    The address stays in the environment: dagster.yaml is copied into the data folder, and one file serves both.
    """

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterStorage:
        """
        Raises:
            SettingsError: the database cannot be reached, or dagster-postgres is not installed.
        """
        address = read_environment().dagster_postgres_url
        if address is None:
            return LocalStorage.from_config_value(inst_data, config_value)
        try:
            from dagster_postgres import DagsterPostgresStorage
            from dagster_postgres.utils import DagsterPostgresException
        except ImportError:
            raise SettingsError(
                f"{DAGSTER_POSTGRES_URL} is set, but dagster-postgres is not installed: "
                "pip install 'customer-strata[production]'."
            ) from None
        try:
            # SQLAlchemy 2.1 takes psycopg 3 for a plain address; dagster-postgres brings psycopg2.
            driven = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", address.get_secret_value())
            return DagsterPostgresStorage(driven)
        except (DagsterPostgresException, SQLAlchemyError):
            raise SettingsError(
                f"The database of {DAGSTER_POSTGRES_URL}, which holds Dagster's runs, cannot be reached or used."
            ) from None


class KeptEventLog(SqliteEventLogStorage):
    """Dagster's event log with one connection a file, kept until `RUNS_KEPT_OPEN` newer runs were looked at.

    A commit reaches the disk at the next checkpoint (`synchronous=normal`): a killed process loses nothing, a power cut
    may lose the last events of a run, never the file.
    """

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as con, con.begin():
            before = _changes(con)
            yield con
            changed = _changes(con) != before
            con.commit()
            if changed:
                # Dagster's page follows a run by watching its file, which WAL mode leaves untouched until a checkpoint.
                os.utime(self.path_for_shard(shard))

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.pop(shard, None)
        if engine is not None and not Path(self.path_for_shard(shard)).exists():
            engine.dispose()  # `dagster run wipe` removes the files of runs
            self._initialized_dbs.discard(shard)
            engine = None
        engine = engine or self._opened(shard)
        self._engines[shard] = engine  # the last one used comes last
        runs = [name for name in self._engines if name != INDEX_SHARD_NAME]
        for name in runs[:-RUNS_KEPT_OPEN]:
            self._engines.pop(name).dispose()
        return engine

    def _opened(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,  # the lock above lets one thread at a time use it
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
        event.listen(engine, "connect", _sync_at_checkpoints)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine


def _changes(con: Connection) -> int:
    """Rows that this connection has written since it was opened."""
    raw = con.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101  the storage is SQLite's
    return raw.total_changes


def _sync_at_checkpoints(raw: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    raw.execute("pragma synchronous = normal")
