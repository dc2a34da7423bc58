"""A first run where each DuckDB may hold so little memory that it has to spill: that it ends is the result."""

from __future__ import annotations

from pathlib import Path

from benchmarks.history import LAST_DAY, History
from benchmarks.installation import Installation
from benchmarks.measuring import Unfinished, attempt
from benchmarks.runs import landed
from benchmarks.steps import Comparison, Say, Step

NAME = "runs_in_little_memory"
MEMORY = "2GB"


def measure_runs_in_little_memory(folder: Path, size: int, say: Say) -> list[Comparison]:
    """The first run, without purchase models."""
    small = Installation.at(folder / "small", foretells=False)
    landed(History(size), small, say)
    say("the first run")
    ours = attempt(lambda: small.strata("run", "--as-of", str(LAST_DAY), memory_limit=MEMORY))
    told = ours.told if isinstance(ours, Unfinished) else ""
    return [Comparison(NAME, f"first run with {MEMORY} for each DuckDB", size, ours, None, note=told)]


STEP = Step(
    name=NAME,
    title=f"First run with {MEMORY} of memory",
    floor="nothing: what is asked is whether it ends",
    measure=measure_runs_in_little_memory,
)
