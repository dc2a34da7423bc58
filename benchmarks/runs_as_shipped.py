"""A first run and the day after it with the shipped settings, whose purchase models the bare script has not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.history import LAST_DAY, History
from benchmarks.installation import Installation
from benchmarks.run_parts import newest_run
from benchmarks.runs import by_part, days_after, landed, together
from benchmarks.steps import Comparison, Say, Step

NAME = "runs_as_shipped"


def measure_runs_as_shipped(folder: Path, size: int, say: Say) -> list[Comparison]:
    """First run, the next day with a thousand late corrections, and their repair."""
    history = History(size)
    shipped = Installation.at(folder / "shipped")
    landing = landed(history, shipped, say)
    say("the first run")
    first = shipped.strata("run", "--as-of", str(LAST_DAY))
    return [
        Comparison(NAME, "first run", size, first, None),
        *by_part(NAME, "first run", size, first, newest_run(shipped.settings.paths)),
        *days_after(NAME, history, shipped, together(landing, first), say),
    ]


STEP = Step(
    name=NAME,
    title="First run and daily run with purchase models",
    floor="for the next day, landing and the first run",
    measure=measure_runs_as_shipped,
)
