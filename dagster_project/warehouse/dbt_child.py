"""`strata-dbt`: dbt as a child that never outlives the process that started it.

A dbt left over by a killed run would keep the warehouse file, and the next run would wait for it. On Linux the kernel
ends it with its parent; elsewhere the next run waits until it is done. What DuckDB quotes of a value that it fails at
is left out of dbt's messages, which several logs keep. And costs are left out: a parse of the whole project because
the warehouse lies elsewhere than before, a tree of each query of which the first word is read, looks for garbage among
what is kept to the end, and events that nobody hears.
"""

from __future__ import annotations

import gc
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dagster_project.forking import die_with_parent, serve_forks, served_channel, split_parent
from dagster_project.warehouse.dbt_arguments import RUN_RESULTS
from dagster_project.warehouse.dbt_events import leave_out_unheard_events

if TYPE_CHECKING:
    from dbt.artifacts.resources.v1.components import InjectedCTE
    from dbt.contracts.graph.manifest import Manifest

# dbt makes some millions of objects and keeps most: at Python's own 700, a build of 92 models spends 10 % of its
# processor time (1.3 of 12.4 s) on looking for rings of them that nothing holds.
OBJECTS_BETWEEN_LOOKS = 200_000
# A query's first word, behind blanks and remarks.
BEGINS_WITH = re.compile(r"(?:\s|--[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/)*+with\b(?:\s+recursive\b)?", re.IGNORECASE)


def hide_values() -> None:
    """Have dbt's DuckDB adapter see errors about values without the values."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    from dagster_project.warehouse.quoted_values import VALUE_ERRORS, without_values

    handle = DuckDBConnectionManager.exception_handler

    @contextmanager
    def handle_without_values(
        self: DuckDBConnectionManager, sql: str, connection_name: str = "master"
    ) -> Iterator[None]:
        with handle(self, sql, connection_name):
            try:
                yield
            except VALUE_ERRORS as error:
                raise type(error)(without_values(error)) from None

    DuckDBConnectionManager.exception_handler = handle_without_values  # type: ignore[method-assign]


def parse_for_any_place() -> None:
    """Have dbt keep what it has parsed for a warehouse in whatever folder; only its name is in what is parsed.

    By its own rule a data folder that was moved, restored or copied is parsed anew (3.5 s).
    """
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    connection_info = DuckDBCredentials.connection_info

    def without_place(self: DuckDBCredentials, **options: bool) -> Iterator[tuple[str, Any]]:
        return (pair for pair in connection_info(self, **options) if pair[0] != "path")

    DuckDBCredentials.connection_info = without_place  # type: ignore[method-assign, assignment]


def inject_by_first_word() -> None:
    """Have dbt put rows of a unit test before a query that begins with WITH, as it does, without parsing it.

    sqlparse's tree of the query is a third of what dbt's unit tests take (11 of 32 s).
    """
    from dbt import compilation

    inject = compilation.inject_ctes_into_sql

    def injected(sql: str, ctes: list[InjectedCTE]) -> str:
        begins = BEGINS_WITH.match(sql)
        if begins is None or not ctes:
            return inject(sql, ctes)
        return f"{begins[0]} {', '.join(cte.sql for cte in ctes)}, {sql[begins.end() :]}"

    compilation.inject_ctes_into_sql = injected


def adapt_dbt() -> None:
    """Have dbt do in this process what this module promises of it."""
    hide_values()
    parse_for_any_place()
    inject_by_first_word()
    leave_out_unheard_events()


def invoke(arguments: list[str], manifest: Manifest | None = None) -> int:
    """Do what dbt is told and give its exit code, as dbt's own command does; a `manifest` spares the parse.

    Without the other artifacts (`--no-write-json`: each build would write a manifest of 4 MB twice, and the graph twice
    more) the results of a build are still written, to run_results.json.
    """
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner
    from dbt.flags import get_flags

    done = dbtRunner(manifest=manifest).invoke(arguments)
    if isinstance(done.exception, DbtUsageException):
        sys.stderr.write(f"{done.exception}\n")
    flags = get_flags()  # type: ignore[no-untyped-call]
    if isinstance(done.result, RunExecutionResult) and not flags.WRITE_JSON:
        done.result.write(str(Path(flags.PROJECT_DIR, flags.TARGET_PATH, RUN_RESULTS)))
    if done.success:
        return 0
    return 1 if done.exception is None else 2


def serve(channel: socket.socket) -> int:
    """Parse once, then do each invocation that `dbt_server.py` asks for in a fork.

    Returns in a fork, with its exit code. Where the project cannot be parsed the server ends, and who asked starts a
    process that says so: in forks after a failed parse dbt was seen to wait for a lock for ever.
    """
    from dbt.cli.main import dbtRunner

    parsed = dbtRunner().invoke(["parse", "--no-write-json"])
    if not parsed.success:
        return 2
    manifest = cast("Manifest", parsed.result)
    return serve_forks(channel, lambda arguments: invoke(arguments, manifest))


def main() -> None:
    """Entry point of the console script."""
    parent_pid, arguments = split_parent(sys.argv[1:])
    die_with_parent(parent_pid)
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    # What follows imports dbt, two seconds that are not to be spent before the check above.
    adapt_dbt()
    channel = served_channel(arguments)
    sys.exit(invoke(arguments) if channel is None else serve(channel))


if __name__ == "__main__":
    main()
