"""One more day, and 48 month ends in one run, of a staged company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from benchmarks.company import LAST_DAY, generate
from benchmarks.measuring import Measured
from benchmarks.ranges import FLOOR, built, compare_range, rows_of, scripted
from benchmarks.steps import Comparison, Say, Step
from dagster_project.warehouse.run_window import month_ends_between

FEW_ORDERS = 100  # of the company on which dbt itself is measured
SINGLE_RUNS = 3
AGAINST_ONE_DAY = 3.0


def measure_month_ends(folder: Path, size: int, say: Say) -> list[Comparison]:
    """One more day, and 48 month ends, of `size` orders."""
    say("generating and staging")
    company = generate(folder / "company", size)
    say("dbt alone, on a hundred orders")
    dbt_alone = built(generate(folder / "few", FEW_ORDERS), [LAST_DAY])
    say("single days")
    singles = [built(company, [LAST_DAY - timedelta(days=back)]) for back in reversed(range(SINGLE_RUNS))]
    say("the bare script for one day")
    bare_day = scripted(company, [LAST_DAY])
    rows, day = rows_of(company, [LAST_DAY]), singles[-1]
    beyond_dbt = Measured(
        max(day.seconds - dbt_alone.seconds, 0.0), max(day.cpu_seconds - dbt_alone.cpu_seconds, 0.0), day.peak_bytes
    )
    days = month_ends_between(date(LAST_DAY.year - 3, 1, 1), LAST_DAY)
    against_script, against_singles = compare_range(
        company, "month_ends", f"{len(days)} month ends", days, _mean(singles), str(SINGLE_RUNS), say
    )
    assert isinstance(against_script.floor, Measured)
    gain = bare_day.seconds * len(days) / against_script.floor.seconds
    note = f"the script gains {gain:.1f} times by a range at {size:,} orders"
    return [
        Comparison(
            "month_ends", "dbt alone", size, dbt_alone, None, note="the same invocation for a hundred orders", rows=0
        ),
        Comparison("month_ends", "one more day", size, day, bare_day, rows=rows),
        Comparison(
            "month_ends", "one more day, beyond dbt's own time", size, beyond_dbt, bare_day, AGAINST_ONE_DAY, rows=rows
        ),
        against_script,
        replace(against_singles, note=note),
    ]


def _mean(runs: Sequence[Measured]) -> Measured:
    return Measured(
        sum(run.seconds for run in runs) / len(runs),
        sum(run.cpu_seconds for run in runs) / len(runs),
        max(run.peak_bytes for run in runs),
    )


STEP = Step(name="month_ends", title="One more day, and month ends in one run", floor=FLOOR, measure=measure_month_ends)
