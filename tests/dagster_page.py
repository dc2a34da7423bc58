"""Dagster's own processes and its page, for tests that do what the page's buttons do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "customer_strata"}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(
    words: Sequence[str], *, environment: dict[str, str], log: Path, folder: Path | None = None, seconds: float
) -> Iterator[subprocess.Popen[str]]:
    """A program with processes of its own, ended as by Ctrl-C with all it started, killed after so many seconds."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # As Ctrl-C reaches page, daemon and code server; a shell's background job is deaf to it, and what is left then
        # must not outlive the test.
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Page:
    """Dagster's page, spoken to as its own buttons do."""

    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"
        self._process = process

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            told = json.load(answer)
        assert "errors" not in told, told["errors"]
        return told["data"]

    def wait_until_served(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.ask("query { version }")
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, "the page ended"
                assert time.monotonic() < deadline, "the page does not serve"
                time.sleep(0.5)
            else:
                return
