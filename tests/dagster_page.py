"""Dagster's page, for tests that do what its buttons do."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "customer_strata"}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
