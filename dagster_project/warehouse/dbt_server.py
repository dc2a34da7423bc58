"""One dbt for all invocations of this process: started and parsed once, forked for each.

To start dbt is two seconds of imports and one or two of parsing, more than a stretch of a run takes on little data. The
processes are those of `dbt_child.py`.
"""

from __future__ import annotations

import atexit
import subprocess
from collections.abc import Sequence
from typing import Any

from dagster_project.forking import PARENT_OPTION, Fork, ForkServer

_servers: list[ForkServer] = []


@atexit.register
def _end() -> None:
    while _servers:
        _servers.pop().close()


def start(args: Sequence[str], **options: Any) -> Fork | subprocess.Popen[bytes]:
    """`subprocess.Popen` for dagster-dbt: a fork of the server where the words are strata-dbt's, else a process.

    One server is kept, that of the last environment and folder: those of the run that is going on.
    """
    executable, *words = args
    own = [word for word in words if not word.startswith(PARENT_OPTION)]
    if len(own) == len(words):
        return subprocess.Popen(args, **options)  # noqa: S603
    wanted = ([executable], dict(options["env"]), str(options["cwd"]))
    if _servers and not _servers[-1].is_for(*wanted):
        _end()
    if not _servers:
        _servers.append(ForkServer(*wanted))
    fork = _servers[-1].fork(args, own)
    if fork is None:
        _servers.pop().close()
        return subprocess.Popen(args, **options)  # noqa: S603
    return fork
