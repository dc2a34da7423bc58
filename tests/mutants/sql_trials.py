"""What kills a mutant of the SQL, the cheapest first: dbt's unit tests, dbt's data tests, the independent reference.

All of it on a copy of the project in which the places are marked. The company of test_classes_equal_the_reference.py is
built once, by dbt; for a mutant the models that have it, and those that read them, are built anew from their compiled
SQL. The other tests build their companies from compiled models themselves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from explained import EXPLAINED
from kept_trials import KeptTrials
from places import Place
from sql_mutants import is_in, mutated
from trials import DIED, INVALID, QUIETLY, SURVIVED, UNDECIDED, Failures, Verdict, in_a_fork

BUILT_ONCE = "tests/pipeline/test_classes_equal_the_reference.py"
# With the tables that each of them compares: no other model's mutant can be noticed there.
BUILT_ANEW = {
    "tests/pipeline/test_outcomes_equal_the_reference.py": {"reactivation_outcomes", "reactivation_work"},
    "tests/pipeline/test_generated_histories.py::test_every_measure_and_class_equals_the_reference": {
        *("customer_features", "customer_rfm", "customer_lifecycle", "customer_value", "customer_needs"),
        *("customer_behaviours", "customer_segments", "customer_matrices", "customer_own_dimensions"),
    },
    # What a later run makes of the history that earlier ones wrote.
    "tests/unit/test_history.py": {"segment_history"},
}
LIMIT_SECONDS = 600.0
NO_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.NotImplementedException)
Wanted = Callable[[Callable[[Place], bool]], Iterable[Place]]


class SqlJudge(Failures):
    """The plugin that tries mutants instead of running the tests that were collected."""

    def __init__(self, wanted: Wanted, kept: KeptTrials) -> None:
        super().__init__()
        self._wanted = wanted
        self._kept = kept

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        yield
        if fixturedef.argname == "built":
            self._built = fixturedef.cached_result[0]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        from dagster_project.warehouse.compiled_models import compile_project

        self._once = [item for item in session.items if item.nodeid.startswith(BUILT_ONCE)]
        self._anew = [item for item in session.items if item not in self._once]
        if failure := self.first_failure(self._once, neighbour=self._once[0]):
            raise pytest.UsageError(f"without any mutant fails {failure}")
        self._project = compile_project(self._built.settings, self._built.folder / "compiled")
        self._build_what_is_missing()
        self._unit_tests = self._tests_of_dbt("unit")
        self._data_tests = self._tests_of_dbt("data")
        # Once without a mutant: what is compiled for it is kept for all that follow.
        if (verdict := in_a_fork(lambda: self._judged(None), LIMIT_SECONDS)).outcome != SURVIVED:
            raise pytest.UsageError(f"without any mutant fails {verdict.by}")
        base = self._built.folder.parent
        left = set(base.iterdir())
        codes = [*(model.code for model in self._project.models.values()), *self._unit_tests.values()]
        everything = "\n".join(codes)
        undecided = []
        for place in self._wanted(lambda place: is_in(place, everything)):
            verdict = in_a_fork(lambda place=place: self._judged_by_unit_tests(place), LIMIT_SECONDS)
            self._kept.note(place, verdict)
            if verdict.outcome == UNDECIDED:
                undecided.append(place)
        # Who has been explained survives everything, which takes longest.
        for place in sorted(undecided, key=lambda place: place.key in EXPLAINED):
            self._kept.note(place, in_a_fork(lambda place=place: self._judged(place), LIMIT_SECONDS))
            for folder in set(base.iterdir()) - left:
                shutil.rmtree(folder, ignore_errors=True)
        return True

    def _build_what_is_missing(self) -> None:
        """Lists, which the company does without: dbt's tests look for their columns."""
        there = "select table_schema || '.' || table_name from information_schema.tables"
        with self._built.connect() as con:
            relations = {name for (name,) in con.execute(there).fetchall()}
            models = self._project.models
            given = [name for name, model in models.items() if f"{model.schema}.{model.name}" in relations]
            self._project.build(con, select=models.keys(), given=given)

    def _tests_of_dbt(self, kind: str) -> dict[str, str]:
        """The SQL of dbt's unit or data tests, by their names, as dbt runs it on the company's warehouse."""
        from dagster_project.settings.children import process_environment
        from dagster_project.warehouse.dbt_arguments import dbt_arguments
        from dagster_project.warehouse.dbt_manifest import dbt_executable

        project = str(self._built.settings.paths.dbt_project)
        target = self._built.folder / f"{kind}_tests"
        done = subprocess.run(
            [
                str(dbt_executable()),
                *dbt_arguments("test", select=[f"test_type:{kind}"], unit_tests=kind == "unit"),
                *("--project-dir", project, "--profiles-dir", project),
                *("--target-path", str(target), "--log-path", str(target)),
            ],
            cwd=project,
            env=process_environment(self._built.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise pytest.UsageError(f"without any mutant fails:\n{done.stdout[-4000:]}")
        files = sorted((target / "run").rglob("*.sql"))
        return {file.relative_to(target / "run").as_posix(): file.read_text(encoding="utf-8") for file in files}

    def _judged_by_unit_tests(self, place: Place) -> Verdict:
        """Died, where a unit test of dbt's does not find what it expects; else the dearer tests are to be asked."""
        with duckdb.connect(str(self._built.settings.paths.warehouse), read_only=True) as con:
            con.execute("set TimeZone = 'UTC'")
            for name, code in self._unit_tests.items():
                if is_in(place, code):
                    try:
                        is_fulfilled = _fulfils(con, mutated(place, code))
                    except duckdb.Error as error:
                        return _failed(error)
                    if not is_fulfilled:
                        return Verdict(DIED, f"unit test {Path(name).stem}")
        return Verdict(UNDECIDED)

    def _judged(self, place: Place | None) -> Verdict:
        """What data tests and the reference say of the place changed; of the project as it is where there is none."""
        self.say_nothing()
        if place is not None:
            _mutate_models(place)
        changed = self._changed_by(place)
        try:
            by = self._failing_data_test(changed) if changed else None
        except duckdb.Error as error:
            return _failed(error)
        by = by or self.first_failure([*self._once, *self._anew_of(changed)] if changed else [])
        return Verdict(DIED, by) if by else Verdict(SURVIVED)

    def _changed_by(self, place: Place | None) -> list[str]:
        """The models that have the place, and those that read them; all of them where there is none."""
        changed: list[str] = []
        for name, model in self._project.models.items():
            if place is None or is_in(place, model.code) or not set(changed).isdisjoint(model.depends_on):
                changed.append(name)
        return changed

    def _anew_of(self, changed: list[str]) -> list[pytest.Item]:
        tests = [test for test, tables in BUILT_ANEW.items() if not tables.isdisjoint(changed)]
        return [item for item in self._anew if item.nodeid.startswith(tuple(tests))]

    def _failing_data_test(self, changed: list[str]) -> str | None:
        """Give the company a warehouse in which these models are built anew, and try dbt's data tests of them."""
        models = self._project.models
        original = self._built.settings.paths
        folder = Path(tempfile.mkdtemp(dir=self._built.folder.parent))
        paths = replace(original, warehouse_file=folder / original.warehouse.name)
        shutil.copyfile(original.warehouse, paths.warehouse)
        self._built.settings = replace(self._built.settings, paths=paths)
        with self._built.connect() as con:
            self._project.build(con, select=changed, given=[name for name in models if name not in changed])
            for name, code in self._data_tests.items():
                reads_changed = any(models[each].relation in code for each in changed)
                if reads_changed and con.execute(code).fetchall()[0][0]:
                    return f"data test {Path(name).stem}"
        return None


def _mutate_models(place: Place) -> None:
    """Let every model that this process builds be the mutant, also where a test reads what dbt has compiled."""
    from dagster_project.warehouse.compiled_models import CompiledModel

    build, read_text = CompiledModel.build, Path.read_text

    def build_mutant(model: CompiledModel, con: duckdb.DuckDBPyConnection) -> None:
        build(replace(model, code=mutated(place, model.code)), con)

    def read_mutant(file: Path, *words: Any, **options: Any) -> str:
        text = read_text(file, *words, **options)
        return mutated(place, text) if file.suffix == ".sql" else text

    CompiledModel.build = build_mutant  # type: ignore[method-assign]
    Path.read_text = read_mutant  # type: ignore[method-assign,assignment]


def _failed(error: duckdb.Error) -> Verdict:
    """A mutant that is no SQL could not have been written; one that the engine cannot carry out is noticed."""
    first_line = str(error).splitlines()[0]
    return Verdict(INVALID, first_line) if isinstance(error, NO_SQL) else Verdict(DIED, f"engine: {first_line}")


def _fulfils(con: duckdb.DuckDBPyConnection, unit_test: str) -> bool:
    """Whether the rows that the unit test finds are those it expects, in any order."""
    result = con.execute(unit_test)
    last = [column[0] for column in result.description].index("actual_or_expected")
    found: dict[str, Counter[str]] = {"actual": Counter(), "expected": Counter()}
    for row in result.fetchall():
        found[row[last]][repr(row[:last])] += 1
    return found["actual"] == found["expected"]


def try_sql_mutants(project: Path, wanted: Wanted, kept: KeptTrials, workspace: Path) -> None:
    """Try the places of the marked project that are wanted, each until something kills it."""
    os.chdir(project)
    words = [*QUIETLY, f"--rootdir={project}", f"--basetemp={workspace / 'pytest'}", BUILT_ONCE, *BUILT_ANEW]
    if pytest.main(words, plugins=[SqlJudge(wanted, kept)]) != pytest.ExitCode.OK:
        raise SystemExit("the tests that judge cannot be run")
