"""Running the steps: each in a folder of its own, kept when it is done, held against the accepted figures."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.keeping import Result, Slower, append, read_lines, slower
from benchmarks.machine import code_fingerprint, this_machine
from benchmarks.page import parts_table, short
from benchmarks.steps import Say, Step

RESULTS = "results.jsonl"


@dataclass
class Outcome:
    """What a benchmark came to: results in the order in which they ran, parts that got slower, steps that failed."""

    results: list[Result] = field(default_factory=list)
    slower: list[Slower] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 1 if self.slower or self.failed else 0


def run_steps(
    steps: Sequence[Step],
    sizes: Sequence[int],
    folder: Path,
    accepted: Sequence[Result],
    console: Console,
    *,
    again: bool = False,
    keep: bool = False,
) -> Outcome:
    """Measure every step at every size, smallest first, in `folder`.

    What the folder's results hold already is taken from there unless `again`. A step that fails is told and counted;
    the others go on. `keep` leaves the working folders of the steps, for a look at what they made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / RESULTS
    code = code_fingerprint()
    outcome = Outcome()
    for step, size in _in_order(steps, sizes):
        known = read_lines(file)
        result = None if again else known.get((step.name, size))
        if result is not None:
            other = "" if result.code == code else ", with other code: --again measures anew"
            console.print(f"{step.name} {short(size)}: kept from {result.measured_on}{other}")
        else:
            try:
                result = _measure(
                    step, size, folder, _last_seconds(step, size, [*accepted, *known.values()]), console, code
                )
            except Exception:
                console.print(f"[bold red]{step.name} {short(size)} failed[/]")
                console.print(traceback.format_exc(), markup=False, highlight=False)
                outcome.failed.append(f"{step.name} {short(size)}")
                continue
            finally:
                if not keep:
                    shutil.rmtree(_working_folder(folder, step, size), ignore_errors=True)
            append(file, result)
        outcome.results.append(result)
        console.print(_table(step, result))
        for each in slower(result, accepted):
            outcome.slower.append(each)
            console.print(f"[bold red]slower[/] {each}", highlight=False, soft_wrap=True)
    return outcome


def _in_order(steps: Sequence[Step], sizes: Sequence[int]) -> Iterator[tuple[Step, int]]:
    """Small sizes of every step before large ones: what is broken shows early."""
    for number, size in enumerate(sorted(set(sizes))):
        for step in steps:
            if step.fixed_size is None:
                yield step, size
            elif number == 0:
                yield step, step.fixed_size


def _working_folder(folder: Path, step: Step, size: int) -> Path:
    return folder / f"{step.name}-{short(size)}"


def _measure(
    step: Step, size: int, folder: Path, last: tuple[int, float] | None, console: Console, code: str
) -> Result:
    work = _working_folder(folder, step, size)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    machine = this_machine()
    today, began = datetime.now(tz=UTC).date(), perf_counter()
    with _progress(f"{step.name} {short(size)}", last, console) as say:
        parts = step.measure(work, size, say)
    seconds = round(perf_counter() - began, 1)
    wrong = [part for part in parts if (part.step, part.size) != (step.name, size)]
    if wrong:
        raise ValueError(f"{step.name} {short(size)} handed back parts of {wrong[0].step} at {wrong[0].size:,}")
    return Result(step.name, size, today.isoformat(), machine, code, seconds, tuple(parts))


def _last_seconds(step: Step, size: int, results: Sequence[Result]) -> tuple[int, float] | None:
    """The size nearest to `size` at which the step was measured, and how long all of it took."""
    of_step = [each for each in results if each.step == step.name and each.seconds]
    if not of_step:
        return None
    nearest = min(of_step, key=lambda each: abs(each.size - size))
    return nearest.size, nearest.seconds


@contextmanager
def _progress(name: str, last: tuple[int, float] | None, console: Console) -> Iterator[Say]:
    """A line that says what runs, for how long, and how long the step took before; lines below each other in a log."""
    took = "" if last is None else f" [dim](took {last[1]:,.0f} s at {short(last[0])})[/]"
    if not console.is_terminal:
        began = perf_counter()
        console.print(f"{name}{took}")
        yield lambda words: console.print(f"  {perf_counter() - began:>6.0f} s  {words}", highlight=False)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{name}{took}")
        yield lambda words: progress.update(task, description=f"{name}: {words}{took}")


def _table(step: Step, result: Result) -> Table:
    header, rows = parts_table(result.parts)
    table = Table(title=f"{step.title}, {result.size:,} orders, {result.measured_on}", title_justify="left")
    shown = [place for place in range(1, len(header)) if any(row[place] for row in rows)]
    for place in shown:
        table.add_column(header[place], justify="left" if header[place] in ("part", "against", "aim") else "right")
    for row in rows:
        table.add_row(*(row[place] for place in shown))
    return table
