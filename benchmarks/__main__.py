"""`make bench`: every step at every size that is asked for.

python -m benchmarks --size 1m --size 10m --only landing,days
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.growth import growths
from benchmarks.keeping import Result, accept, read_figures
from benchmarks.page import IMAGES, PAGE, PLOTS, read_size, write_page
from benchmarks.peers import ENVIRONMENT
from benchmarks.running import run_steps
from benchmarks.steps import Step, load_steps
from dagster_project.settings.paths import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "data" / "benchmarks"


def main(
    size: Annotated[list[str] | None, typer.Option(help="Orders, such as 100k or 10m; may be given again.")] = None,
    only: Annotated[str, typer.Option(help="Names of steps, separated by commas; all by default.")] = "",
    folder: Annotated[Path, typer.Option(help="Where to work and to keep results.")] = FOLDER,
    again: Annotated[bool, typer.Option("--again", help="Measure what the folder holds results of, too.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what the steps made in the folder.")] = False,
    accepting: Annotated[
        bool, typer.Option("--accept", help="Make these the figures that later runs are held against.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Only write docs/performance.md from the figures.")] = False,
) -> None:
    """Measure against the floors. Exit code 1: a part got more than 20 % slower against its floor, or a step failed."""
    console = Console(width=None if Console().is_terminal else 160)
    steps = load_steps()
    if page:
        _write(read_figures(), steps, console)
        return
    try:
        sizes = [read_size(each) for each in size or ["1m"]]
        chosen = _chosen(steps, only)
    except ValueError as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    outcome = run_steps(chosen, sizes, folder.absolute(), read_figures(), console, again=again, keep=keep)
    if accepting:
        _write(accept(outcome.results, [step.name for step in steps]), steps, console)
    for each in outcome.slower:
        console.print(f"[bold red]slower[/] {each}", highlight=False, soft_wrap=True)
    for name in outcome.failed:
        console.print(f"[bold red]failed[/] {name}")
    raise typer.Exit(outcome.exit_code)


def _chosen(steps: tuple[Step, ...], only: str) -> list[Step]:
    names = only.replace(",", " ").split()
    unknown = sorted(set(names) - {step.name for step in steps})
    if unknown:
        raise ValueError(f"no step {', '.join(unknown)}: there are {', '.join(step.name for step in steps)}")
    return [step for step in steps if not names or step.name in names]


def _write(figures: list[Result], steps: tuple[Step, ...], console: Console) -> None:
    # A room of a run (`first run: staging`) has its exponent in the table; the picture is of whole runs.
    found = growths(part for each in figures for part in each.parts if ": " not in part.part)
    if found and ENVIRONMENT.exists():
        pictures = [str(IMAGES / file) for file in PLOTS.values()]
        subprocess.run(
            [str(ENVIRONMENT), "-m", "benchmarks.plots", *pictures],
            input=json.dumps([asdict(each) for each in found]),
            text=True,
            check=True,
            cwd=PROJECT_ROOT,
        )
    elif found:
        console.print(f"Without {ENVIRONMENT} no plots are drawn: make bench makes it.", soft_wrap=True)
    write_page(figures, steps)
    console.print(f"Written to {PAGE.relative_to(PROJECT_ROOT)}")


if __name__ == "__main__":
    typer.run(main)
