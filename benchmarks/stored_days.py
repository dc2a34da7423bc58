"""What a day costs an installation that has been running for a while: one more day beside one stored day, beside 92."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from benchmarks.history import LAST_DAY, History
from benchmarks.installation import Installation
from benchmarks.run_parts import newest_run
from benchmarks.runs import by_part, landed
from benchmarks.steps import Comparison, Say, Step

NAME = "stored_days"
DAYS = 90
AIM = 1.2


def measure_stored_days(folder: Path, size: int, say: Say) -> list[Comparison]:
    """A run of a day, before and after the 90 days before it were stored; both run to their published tables."""
    installation = Installation.at(folder / "plain", foretells=False)
    landed(History(size), installation, say)
    say("a first day")
    begin = LAST_DAY - timedelta(days=1)
    installation.strata("run", "--as-of", str(begin))
    say("a day beside it")
    beside_one = installation.strata("run", "--as-of", str(LAST_DAY))
    say(f"{DAYS} days before them")
    first, last = begin - timedelta(days=DAYS), begin - timedelta(days=1)
    installation.strata("backfill", "--from", str(first), "--to", str(last))
    say("a day beside them all")
    beside_many = installation.strata("run", "--as-of", str(LAST_DAY + timedelta(days=1)))
    part = f"a day beside {DAYS + 2} stored days"
    return [
        Comparison(NAME, part, size, beside_many, beside_one, AIM, against="a day beside one"),
        *by_part(NAME, f"a day beside {DAYS + 2}", size, beside_many, newest_run(installation.settings.paths)),
    ]


STEP = Step(
    name=NAME,
    title="A day where many days are stored",
    floor="the same where one day is stored",
    measure=measure_stored_days,
)
