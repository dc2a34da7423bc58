"""`strata` in processes that need not import it: forks of one that has. A program; `shop_runs.py` asks it.

Most commands of the suite spend more processor time on imports than on what they do, 4 s where Dagster is needed.
"""

from __future__ import annotations

import gc
import json
import os
import sys

from dagster_project import cli
from dagster_project.forking import die_with_parent, serve_forks, served_channel, split_parent

NEEDED = ("dagster_project.definitions", "dagster_project.defs.runs", "dagster_project.terminal")


def work(arguments: list[str]) -> int:
    """Run `strata` with these words, the first of which is the environment, as JSON."""
    # What stays frozen to the end is told by nanobind as leaked.
    gc.unfreeze()
    environment, *words = arguments
    os.environ.clear()
    os.environ.update(json.loads(environment))
    sys.argv = ["strata", *words]
    cli.main()
    return 0


if __name__ == "__main__":
    parent_pid, arguments = split_parent(sys.argv[1:])
    die_with_parent(parent_pid)
    for name in NEEDED:
        __import__(name)
    channel = served_channel(arguments)
    assert channel is not None
    sys.exit(serve_forks(channel, work))
