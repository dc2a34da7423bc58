"""Forks of a server are processes of their own, which whoever asked for them can end at any time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.forking import ForkServer

SERVER = """
import sys, time
from dagster_project.forking import die_with_parent, serve_forks, served_channel, split_parent
parent, arguments = split_parent(sys.argv[1:])
die_with_parent(parent)
sys.exit(serve_forks(served_channel(arguments), lambda _: time.sleep(20) or 0))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ForkServer]:
    server = ForkServer([sys.executable, "-c", SERVER], dict(os.environ), str(tmp_path))
    yield server
    server.close()


def test_a_fork_that_is_interrupted_as_soon_as_it_is_known_ends(server: ForkServer) -> None:
    for _ in range(10):
        fork = server.fork(["sleep"], [])
        assert fork is not None
        fork.send_signal(signal.SIGINT)
        with fork.stdout:
            assert fork.wait(timeout=15) == -signal.SIGINT
