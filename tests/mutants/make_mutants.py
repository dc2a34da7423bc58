"""`make mutants`: changes rules and functions one small place at a time, and tells how often a test notices.

Each trial is a line of `sql.jsonl` or `python.jsonl` in the folder given; started again, it goes on with the mutants
that are missing, and with `--again` it tries anew those that survived. What a line says holds as long as its place
stands. Ends with 1 where fewer than nine of ten die.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from figures import Figures  # noqa: E402  only now found
from kept_trials import KeptTrials  # noqa: E402
from places import Place, in_order  # noqa: E402

# What the judging tests of the SQL need of the project.
COPIED = ("config", "dagster_project", "dbt_project", "tests")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", "logs")
# Dagster's definitions, the command line and children run in processes of their own.
ROOMS = (
    *("alerting", "clustering", "contract", "doctor", "explaining", "first_look", "identity", "impact", "keeping"),
    *("landing", "measurement", "prediction", "privacy", "publishing", "report", "settings", "sources", "warehouse"),
    *("errors.py", "sql_text.py"),
)
ENOUGH = 0.9


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("language", choices=["sql", "python"])
    words.add_argument("folder", type=Path, help="where sql.jsonl and python.jsonl are kept")
    words.add_argument("--sample", type=int, default=300, help="how many mutants (%(default)s)")
    words.add_argument("--again", action="store_true", help="try anew what survived")
    words.add_argument("--tell", action="store_true", help="tell what is known and try nothing")
    words.add_argument("--tests", nargs="+", default=["tests/unit"], help="what judges functions (%(default)s)")
    asked = words.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    kept = KeptTrials(folder / f"{asked.language}.jsonl")
    if not asked.tell:
        with tempfile.TemporaryDirectory() as workspace:
            wanted = partial(_wanted, kept, asked.sample, asked.again)
            if asked.language == "sql":
                _try_sql(kept, wanted, Path(workspace))
            else:
                _try_python(kept, wanted, Path(workspace), asked.tests)
    figures = Figures(kept.sample(asked.sample))
    sys.stdout.write(figures.told(kept.population))
    return int(figures.score < ENOUGH)


def _wanted(
    kept: KeptTrials, count: int, again: bool, places: list[Place], is_reached: Callable[[Place], bool]
) -> Iterator[Place]:
    """Of the places that some test reaches, those of the sample that are to be tried."""
    reached = [place for place in places if is_reached(place)]
    kept.note_population([place.key for place in in_order(reached)], without=len(places) - len(reached))
    valid = 0
    for place in in_order(reached):
        if valid == count:
            return
        if kept.is_missing(place, again=again):
            yield place
        valid += not kept.is_invalid(place)


def _try_sql(kept: KeptTrials, wanted: Callable[..., Iterator[Place]], workspace: Path) -> None:
    from sql_mutants import mark, sql_places
    from sql_trials import try_sql_mutants

    project = workspace / "project"
    for name in COPIED:
        shutil.copytree(PROJECT / name, project / name, ignore=NOT_COPIED)
    shutil.copy(PROJECT / "pyproject.toml", project)
    places = sql_places(project / "dbt_project")
    mark(project / "dbt_project", places)
    # The copy is what is run, by this process and by dbt.
    sys.path[:0] = [str(project), str(project / "tests")]
    os.environ["PYTHONPATH"] = str(project)
    try_sql_mutants(project, partial(wanted, places), kept, workspace)


def _try_python(kept: KeptTrials, wanted: Callable[..., Iterator[Place]], workspace: Path, tests: list[str]) -> None:
    sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]
    from python_mutants import python_places
    from python_trials import try_python_mutants

    places = python_places(PROJECT, ROOMS)
    try_python_mutants(PROJECT, tests, partial(wanted, places), kept, workspace)


if __name__ == "__main__":
    sys.exit(main())
