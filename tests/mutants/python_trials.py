"""What kills a mutant of a function: the unit tests that reach it, the quickest first.

Which tests reach which functions is measured once, in a fork too, so that no trial begins with anything built or open.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from kept_trials import KeptTrials
from places import Place
from python_mutants import first_lines, put_in_place
from trials import DIED, INVALID, QUIETLY, SURVIVED, Failures, Verdict, in_a_fork

# Who needs one of these waits for a server or for a whole run, in processes that no mutant is in.
DEAR_FIXTURES = frozenset(
    {"postgres_server", "shared_shop", "strata", "real_data", "compiled_models", "parsed_project", "by_dbt"}
)
# Nor is one in dbt, which these start.
DEAR_HELPERS = frozenset(
    {"WarehouseBuilder", "CompiledWarehouse", "compile_project", "dbt_executable", "fresh_manifest"}
)
LIMIT_SECONDS = 300.0
# Of the tests that reach a function the quickest, to this sum, are run for one mutant: who needs more has survived.
MOST_SECONDS = 45.0
WHOLE_SECONDS = 3600.0
Wanted = Callable[[Callable[[Place], bool]], Iterable[Place]]


class PythonJudge(Failures):
    """The plugin that tries mutants instead of running the tests that were collected."""

    def __init__(self, project: Path, wanted: Wanted, kept: KeptTrials) -> None:
        super().__init__()
        self._project = project
        self._wanted = wanted
        self._kept = kept
        self._calls = Calls(project)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if not _is_dear(item)]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # Made here, lest every fork empties the folder anew.
        base = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        reached_by = self._kept.file.with_suffix(f".reached-{self._fingerprint(session.items)}.json")
        if not reached_by.exists():
            verdict = in_a_fork(lambda: self._measured(session.items, reached_by), WHOLE_SECONDS)
            if verdict.outcome != SURVIVED:
                raise pytest.UsageError(f"the tests that judge do not end: {verdict.by}")
        tests = json.loads(reached_by.read_text(encoding="utf-8"))
        judges: dict[str, list[str]] = {}
        for name in sorted(tests, key=lambda name: tests[name]["seconds"]):
            for function in tests[name]["functions"]:
                judges.setdefault(function, []).append(name)
        function_of = first_lines(self._project)

        def judges_of(place: Place) -> list[str]:
            return judges.get(function_of[f"{place.file}:{place.line}"], [])

        by_name = {item.nodeid: item for item in session.items}
        left = set(base.iterdir())
        for place in self._wanted(lambda place: bool(judges_of(place))):
            spent, items = 0.0, []
            for name in judges_of(place):
                spent += tests[name]["seconds"]
                if items and spent > MOST_SECONDS:
                    break
                items.append(by_name[name])
            verdict = in_a_fork(lambda place=place, items=items: self._judged(place, items), LIMIT_SECONDS)
            self._kept.note(place, verdict)
            for folder in set(base.iterdir()) - left:
                shutil.rmtree(folder, ignore_errors=True)
        return True

    def _fingerprint(self, items: list[pytest.Item]) -> str:
        """Of all that decides which test reaches which function."""
        digest = hashlib.sha256("\n".join(item.nodeid for item in items).encode())
        for file in sorted([*self._project.glob("dagster_project/**/*.py"), *self._project.glob("tests/**/*.py")]):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def _measured(self, items: list[pytest.Item], kept: Path) -> Verdict:
        self.say_nothing()
        function_of = first_lines(self._project)
        tests: dict[str, Any] = {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            began = time.monotonic()
            self.failed.clear()
            self._calls.lines.clear()
            # Anew for each: a test that goes as deep as Python lets it takes the trace along.
            with self._calls.noted():
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if not self.failed:
                shared = (self._calls.of_fixtures.get(name, ()) for name in _fixtures(item))
                lines = self._calls.lines.union(*shared)
                functions = sorted({function_of[line] for line in lines if line in function_of})
                tests[item.nodeid] = {"seconds": time.monotonic() - began, "functions": functions}
        unfinished = kept.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(tests), encoding="utf-8")
        unfinished.replace(kept)
        return Verdict(SURVIVED)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """What a shared fixture calls, everybody calls who has it."""
        if fixturedef.scope == "function":
            yield
            return
        before = set(self._calls.lines)
        self._calls.lines.clear()
        yield
        self._calls.of_fixtures.setdefault((fixturedef.baseid, fixturedef.argname), set()).update(self._calls.lines)
        self._calls.lines.update(before)

    def _judged(self, place: Place, items: list[pytest.Item]) -> Verdict:
        self.say_nothing()
        if not put_in_place(place, self._project / place.file):
            return Verdict(INVALID)
        by = self.first_failure(items)
        return Verdict(DIED, by) if by else Verdict(SURVIVED)


class Calls:
    """Where each function of the product begins that is called, as `file:line`, and what shared fixtures called."""

    def __init__(self, project: Path) -> None:
        self._product = f"{project}/"
        self.lines: set[str] = set()
        self.of_fixtures: dict[tuple[str, str], set[str]] = {}

    def _called(self, frame: FrameType, _: str, __: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(self._product):
            self.lines.add(f"{code.co_filename.removeprefix(self._product)}:{code.co_firstlineno}")

    @contextmanager
    def noted(self) -> Iterator[None]:
        threading.settrace(self._called)
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]


def _is_dear(item: Any) -> bool:
    return bool(DEAR_FIXTURES.intersection(item.fixturenames) or DEAR_HELPERS.intersection(vars(item.module)))


def _fixtures(item: Any) -> set[tuple[str, str]]:
    return {(each.baseid, each.argname) for found in item._fixtureinfo.name2fixturedefs.values() for each in found}


def try_python_mutants(project: Path, tests: list[str], wanted: Wanted, kept: KeptTrials, workspace: Path) -> None:
    """Try the places that are wanted, each until one of the tests kills it."""
    os.chdir(project)
    words = [*QUIETLY, "-m", "not browser", f"--basetemp={workspace / 'pytest'}", *tests]
    if pytest.main(words, plugins=[PythonJudge(project, wanted, kept)]) != pytest.ExitCode.OK:
        raise SystemExit("the tests that judge cannot be run")
