"""One dbt for all invocations of this process: started and parsed once, forked for each.

To start dbt is two seconds of imports and one or two of parsing, more than a stretch of a run takes on little data. The
processes are those of `dbt_child.py`: the server dies with this process, and a fork with its server.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from dagster_project.warehouse.dbt_child import PARENT_OPTION, SERVE_OPTION

SECONDS_TO_END = 5


class Fork:
    """An invocation, with what dagster-dbt asks of a `subprocess.Popen`."""

    def __init__(self, args: Sequence[str], pid: int, stdout: IO[bytes], status: IO[bytes]) -> None:
        self.args = args
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once there is one; that of a killed process where the server is gone.

        Raises:
            subprocess.TimeoutExpired: there is none within `timeout` seconds.
        """
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            line = self._status.readline()
            self.returncode = int(line) if line else -signal.SIGKILL
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it to the invocation, not to the server."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class DbtServer:
    """A `strata-dbt` that serves, for one environment and folder."""

    def __init__(self, executable: str, environment: Mapping[str, str], folder: str) -> None:
        self.serves = (os.getpid(), executable, dict(environment), folder)
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [executable, f"{PARENT_OPTION}{os.getpid()}", f"{SERVE_OPTION}{theirs.fileno()}"],
                env=dict(environment),
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def invoke(self, args: Sequence[str], arguments: Sequence[str]) -> Fork | None:
        """Start an invocation; None where the server is gone. `args` are the words that it is named by in messages."""
        reading, output = os.pipe()
        told, status = os.pipe()
        stdout, told_file = os.fdopen(reading, "rb"), os.fdopen(told, "rb", buffering=0)
        try:
            socket.send_fds(self._channel, [json.dumps(list(arguments)).encode()], [output, status])
            sent = True
        except OSError:
            sent = False
        os.close(output)
        os.close(status)
        pid = told_file.readline() if sent else b""
        if not pid:
            stdout.close()
            told_file.close()
            return None
        return Fork(args, int(pid), stdout, told_file)

    def close(self) -> None:
        """Let the server end; an invocation that is still going on has a few seconds to."""
        self._channel.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_servers: list[DbtServer] = []


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
    wanted = (executable, dict(options["env"]), str(options["cwd"]))
    if _servers and _servers[-1].serves != (os.getpid(), *wanted):
        _end()
    if not _servers:
        _servers.append(DbtServer(*wanted))
    fork = _servers[-1].invoke(args, own)
    if fork is None:
        _servers.pop().close()
        return subprocess.Popen(args, **options)  # noqa: S603
    return fork
