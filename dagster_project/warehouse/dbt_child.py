"""`strata-dbt`: dbt as a child that never outlives the process that started it.

A dbt left over by a killed run would keep the warehouse file, and the next run would wait for it. On Linux the kernel
ends it with its parent; elsewhere the next run waits until it is done. And what DuckDB quotes of a value that it fails
at is left out of dbt's messages, which several logs keep. Nothing else is changed about dbt.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PARENT_OPTION = "--parent-pid="
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when `parent_pid` ends; exit at once when it has already."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # A parent that ended before the call above will never end again: the signal would not come.
    if os.getppid() != parent_pid:
        sys.exit(1)


def split_parent(arguments: list[str]) -> tuple[int, list[str]]:
    """The parent's process id and the arguments meant for dbt; without the option, the parent is who is it now."""
    own = [word for word in arguments if word.startswith(PARENT_OPTION)]
    rest = [word for word in arguments if not word.startswith(PARENT_OPTION)]
    return (int(own[-1].removeprefix(PARENT_OPTION)) if own else os.getppid()), rest


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


def main() -> None:
    """Entry point of the console script."""
    parent_pid, arguments = split_parent(sys.argv[1:])
    die_with_parent(parent_pid)

    from dbt.cli.main import cli  # two seconds of imports, not to be spent before the check above

    hide_values()
    sys.exit(cli(arguments, prog_name="dbt"))


if __name__ == "__main__":
    main()
