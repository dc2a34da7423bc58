"""A process that has started once and is forked for each piece of work, and what asks it.

Nobody outlives who asked for it: a server ends with the process that started it, and a fork with its server. On Linux
the kernel sees to that; elsewhere the server ends by the closed channel, and a fork when it is done.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

PARENT_OPTION = "--parent-pid="
SERVE_OPTION = "--serve="
LONGEST_REQUEST = 1 << 20
PR_SET_PDEATHSIG = 1  # linux/prctl.h
SECONDS_TO_END = 5


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


def served_channel(arguments: Sequence[str]) -> socket.socket | None:
    """What a `ForkServer` asks on, where the first of the arguments says that this process is to serve one."""
    if not arguments or not arguments[0].startswith(SERVE_OPTION):
        return None
    # Ctrl-C reaches all of a terminal's processes; forks end by it. Blocked and not ignored: what a fork is sent before
    # it is ready waits for it there, and is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    return socket.socket(fileno=int(arguments[0].removeprefix(SERVE_OPTION)))


def serve_forks(channel: socket.socket, work: Callable[[list[str]], int]) -> int:
    """Do each piece of work that is asked for in a fork of this process, until nobody can ask any more.

    With each request come what its output goes to, and where its process id and exit code are told, a line each.

    Returns in a fork alone, with what `work` gives. A fork ends as any process does: DuckDB then closes the warehouse
    also after an error and leaves no write-ahead log, with people's values in it, beside the file.
    """
    server = os.getpid()
    gc.collect()
    gc.freeze()  # what a fork does not touch it need not copy
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, LONGEST_REQUEST, 2)
        if not request:
            os._exit(0)
        output, status = descriptors
        fork = os.fork()
        if fork == 0:
            die_with_parent(server)
            channel.close()
            os.close(status)
            os.dup2(output, 1)
            os.dup2(output, 2)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            return work(json.loads(request))
        os.close(output)
        os.write(status, b"%d\n" % fork)
        code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
        with suppress(BrokenPipeError):
            os.write(status, b"%d\n" % code)
        os.close(status)


class Fork:
    """A piece of work, with what dagster-dbt asks of a `subprocess.Popen`."""

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
        """Send it to the fork, not to the server."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ForkServer:
    """A program that serves forks of itself (`served_channel`, `serve_forks`), for one environment and folder."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: str) -> None:
        self._for = (os.getpid(), tuple(command), dict(environment), folder)
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, f"{PARENT_OPTION}{os.getpid()}", f"{SERVE_OPTION}{theirs.fileno()}"],
                env=dict(environment),
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def is_for(self, command: Sequence[str], environment: Mapping[str, str], folder: str) -> bool:
        """Whether it was started by this very process for just these."""
        return self._for == (os.getpid(), tuple(command), dict(environment), folder)

    def fork(self, args: Sequence[str], arguments: Sequence[str]) -> Fork | None:
        """Start a piece of work, named by `args` in messages; None where the server is gone."""
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
        """Let the server end; work that is still going on has a few seconds to."""
        self._channel.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
