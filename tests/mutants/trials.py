"""Mutants are tried in forks of a process that has imported and collected everything, and built what is dear.

A fork changes itself, runs tests until the first that fails, tells, and is gone: a trial costs what its tests cost.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Any

import pytest

# In one process, which is forked; what is told between the tests is to be seen at once.
QUIETLY = ("-n", "0", "-q", "-s", "-p", "no:cacheprovider")
DIED, SURVIVED, INVALID = "died", "survived", "invalid"
# Survived the cheap tests, and the dear ones have not been run: as good as a survivor until they are.
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, and `by` which test; an invalid one is no code that could have been written."""

    outcome: str
    by: str = ""
    seconds: float = 0

    def as_dict(self) -> dict[str, Any]:
        return {"outcome": self.outcome, "by": self.by, "seconds": round(self.seconds, 1)}


def in_a_fork(trial: Callable[[], Verdict], limit_seconds: float) -> Verdict:
    """The verdict of `trial`, run in a fork. Who takes longer than the limit, or takes the process along, has died.

    Raises:
        RuntimeError: the trial itself failed; the message is its traceback.
    """
    told, tells = Pipe(duplex=False)
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _tell(trial, tells)
    tells.close()
    verdict = Verdict(DIED, f"took longer than {limit_seconds:.0f} s")
    if told.poll(limit_seconds):
        try:
            verdict = told.recv()
        except EOFError:
            verdict = Verdict(DIED, "took its process along")
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    told.close()
    if isinstance(verdict, str):
        raise RuntimeError(verdict)
    return Verdict(verdict.outcome, verdict.by, time.monotonic() - began)


def _tell(trial: Callable[[], Verdict], tells: Any) -> None:
    """The fork's whole life: a group of its own, so that what it starts ends with it, and nothing to be seen."""
    os.setsid()
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silence, stream)
    try:
        tells.send(trial())
    except BaseException:
        tells.send(traceback.format_exc())
    finally:
        os._exit(0)


class Failures:
    """A pytest plugin that keeps what failed, and runs tests one by one without the end of their module."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config

    def say_nothing(self) -> None:
        """Let a fork report to nobody: what pytest prints goes past the streams of the process."""
        self._config.pluginmanager.unregister(name="terminalreporter")

    def first_failure(self, items: Sequence[pytest.Item], *, neighbour: pytest.Item | None = None) -> str | None:
        """The first of the tests that fails. With a `neighbour` what modules share is kept for it."""
        for item, following in zip(items, [*items[1:], neighbour], strict=False):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return self.failed[0]
        return None
