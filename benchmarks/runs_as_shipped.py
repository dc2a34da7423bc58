"""A first run and the day after it with the shipped settings, whose purchase models the bare script has not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.daily_run import days_after, together
from benchmarks.history import History
from benchmarks.run_parts import newest_run
from benchmarks.runs import by_part, ran_first
from benchmarks.steps import Comparison, Say, Step

NAME = "runs_as_shipped"


def measure_runs_as_shipped(folder: Path, size: int, say: Say) -> list[Comparison]:
    """First run, the next day with a thousand late corrections, and their repair."""
    shipped, landing, first = ran_first(folder, size, say, foretells=True)
    return [
        Comparison(NAME, "first run", size, first, None),
        *by_part(NAME, "first run", size, first, newest_run(shipped.settings.paths)),
        *days_after(NAME, History(size), shipped, together(landing, first), say),
    ]


STEP = Step(
    name=NAME,
    title="First run and daily run with purchase models",
    floor="for the next day, landing and the first run",
    measure=measure_runs_as_shipped,
)
