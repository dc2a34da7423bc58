"""The day after a first run, with a thousand late corrections, and the repair of the days that those marked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from benchmarks.history import LAST_DAY, LATE_CORRECTIONS, History
from benchmarks.installation import Installation
from benchmarks.measuring import Measured
from benchmarks.run_parts import newest_run
from benchmarks.runs import by_part, ran_first, run_bare
from benchmarks.steps import Comparison, Say, Step

NAME = "daily_run"
DAILY_RUN = 0.25
LEARNS_NOTHING = "the script starts from the same landed batches, as if what was learnt were kept and still true"


def measure_daily_run(folder: Path, size: int, say: Say) -> list[Comparison]:
    """The next day of a first run without purchase models, and of the bare script."""
    plain, landing, first = ran_first(folder, size, say)
    after = days_after(NAME, History(size), plain, together(landing, first), say, aim=DAILY_RUN)
    say("the bare script of the next day, which learns nothing")
    floor = run_bare(plain, folder / "bare", LAST_DAY + timedelta(days=1), month_ends=0)
    against_script = Comparison(NAME, "daily run, against the script", size, after[0].ours, floor, note=LEARNS_NOTHING)
    return [*after, against_script]


STEP = Step(
    name=NAME,
    title="Daily run",
    floor="the script of the first run for the next day",
    measure=measure_daily_run,
)


def together(one: Measured, other: Measured) -> Measured:
    """One after the other."""
    return Measured(
        one.seconds + other.seconds, one.cpu_seconds + other.cpu_seconds, max(one.peak_bytes, other.peak_bytes)
    )


def days_after(
    step: str, history: History, installation: Installation, whole: Measured, say: Say, *, aim: float | None = None
) -> list[Comparison]:
    """The daily run after a first run, held against `whole`, and the repair of what its late corrections marked."""
    say("the next day")
    day = history.write_next_day(installation.data / "inbox")
    daily = installation.strata("run", "--as-of", str(day))
    parts = by_part(step, "daily run", history.orders, daily, newest_run(installation.settings.paths))
    say("rebuilding the days that late corrections marked")
    repair = installation.strata("backfill", "--marked")
    note = f"of one stored day, which {LATE_CORRECTIONS:,} late corrections had marked"
    return [
        Comparison(step, "daily run", history.orders, daily, whole, aim, against="landing and first run"),
        *parts,
        Comparison(step, "repair of marked days", history.orders, repair, None, note=note),
    ]
