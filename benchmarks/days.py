"""90 days in one run, of a staged company."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from benchmarks.company import LAST_DAY, generate
from benchmarks.ranges import FLOOR, built, compare_range
from benchmarks.steps import Comparison, Say, Step

DAYS = 90


def measure_days(folder: Path, size: int, say: Say) -> list[Comparison]:
    """One run of 90 days of `size` orders."""
    say("generating and staging")
    company = generate(folder / "company", size)
    say("a single day")
    days = [LAST_DAY - timedelta(days=back) for back in reversed(range(DAYS))]
    return compare_range(company, "days", f"{DAYS} days", days, built(company, [LAST_DAY]), "1", say)


STEP = Step(name="days", title="90 days in one run", floor=FLOOR, measure=measure_days)
