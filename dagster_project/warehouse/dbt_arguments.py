"""The words that dbt is started with, as pure functions, so that each rule about them can be tested by itself.

Starting dbt is `defs/transform.py`; its process is `dbt_child.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

COMMANDS_THAT_SELECT = frozenset({"build", "run", "test", "compile", "ls"})
COMMANDS_THAT_RUN_UNIT_TESTS = frozenset({"build", "test"})
# What dbt says of each node it has done; the only artifact of a build that anything reads.
RUN_RESULTS = "run_results.json"


def dbt_arguments(
    command: str,
    *,
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
    variables: Mapping[str, object] | None = None,
    unit_tests: bool = False,
) -> list[str]:
    """Arguments of one dbt invocation, without the program's name.

    Unit tests are left out unless asked for: they prove the code, not the data, and cost two seconds a run (7.3 s
    against 5.5 s with 90 of them). Variables are left out when there are none: a change of them costs a full parse
    (half a second at 22 models), which is why the days and rules of a run are rows of the schema `control` instead.
    A build writes its results alone: manifest and graph, as large as they are, are a tenth of a build on little data.
    """
    arguments = [command]
    if select or exclude:
        if command not in COMMANDS_THAT_SELECT:
            raise ValueError(f"dbt {command} takes no selection")
        # One word for all that is selected: dagster-dbt takes one after each option, and would leave the rest behind.
        if select:
            arguments += ["--select", " ".join(select)]
        if exclude:
            arguments += ["--exclude", " ".join(exclude)]
    if full_refresh:
        if command not in {"build", "run"}:
            raise ValueError(f"dbt {command} takes no --full-refresh")
        arguments.append("--full-refresh")
    if not unit_tests and command in COMMANDS_THAT_RUN_UNIT_TESTS:
        arguments += ["--exclude-resource-type", "unit_test"]
    if command == "build":
        arguments.append("--no-write-json")
    if variables:
        arguments += ["--vars", json.dumps(dict(variables), sort_keys=True)]
    return arguments
