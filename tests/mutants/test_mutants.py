"""`make mutants` changes what it says it changes, tells death from survival, and goes on where it ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import python_mutants
import sql_mutants
from figures import Figures
from kept_trials import KeptTrials
from places import Place, in_order, places_in
from trials import DIED, INVALID, SURVIVED, Verdict, in_a_fork

MODEL = """
{{ config(meta={'by_days': true}) }}
-- a day < another
with days as (select * from {{ ref('days') }} where age between 1 and {{ most }} and not is_old)
select
    cast(sum(amount) * 100 as decimal(18, 2)) as cents,
    coalesce(max(name), '{{ nobody("1 < 2") }}') as name,
    -{{ count }} as change
from days
left join others on days.id = others.id
where others.id is not null and exists (select 1 from more)
order by cents desc nulls last
"""
FUNCTION = '''
"""Said at once: 1 < 2."""
LIMIT = 3


def late(days: int, limit: int = 7) -> bool:
    """Whether `days` > `limit`."""
    if days < 0 and not days == LIMIT:
        raise ValueError(f"{days + 1} days")
    return days - 1 >= limit
'''


def changes(found: list[Place]) -> list[str]:
    return [f"{' '.join(place.before.split())} → {place.after}" for place in found]


def test_a_rule_is_changed_wherever_it_says_something_and_nowhere_else() -> None:
    assert changes(list(places_in("m.sql", MODEL, sql_mutants.changes_of(MODEL)))) == [
        "1 → 2",
        "and → or",
        "not → ",
        "sum → max",
        "* → +",
        "100 → 101",
        "max → min",
        ", '{{ nobody(\"1 < 2\") }}' → ",
        "left → inner",
        "= → <>",
        "not → ",
        "and → or",
        "desc → asc",
        "last → first",
    ]


def test_a_function_is_changed_wherever_it_computes_something_and_nowhere_else() -> None:
    assert changes(list(places_in("m.py", FUNCTION, python_mutants.changes_of(FUNCTION)))) == [
        "days < 0 → (days <= 0)",
        "days < 0 and not days == LIMIT → (not (days < 0 and (not days == LIMIT)))",
        "days < 0 and not days == LIMIT → (days < 0 or not days == LIMIT)",
        "0 → (1)",
        "not days == LIMIT → (bool(days == LIMIT))",
        "days == LIMIT → (days != LIMIT)",
        "return days - 1 >= limit → return None",
        "days - 1 → (days + 1)",
        "days - 1 >= limit → (days - 1 > limit)",
        "1 → (2)",
    ]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "macros").mkdir()
    (tmp_path / "models" / "m.sql").write_text(MODEL)
    (tmp_path / "macros" / "n.sql").write_text("{% macro least_of(a, b) %} least({{ a }} + 1, {{ b }}) {% endmacro %}")
    return tmp_path


def test_what_is_marked_is_found_again_and_changed_alone_however_often_it_stands_there(project: Path) -> None:
    found = sql_mutants.sql_places(project)
    sql_mutants.mark(project, found)
    compiled = (project / "models" / "m.sql").read_text() * 2
    for place in found:
        if place.file == "models/m.sql":
            assert sql_mutants.is_in(place, compiled)
            start = place.start
            mutant = f"{MODEL[:start]} {place.after} {MODEL[place.end :]}"
            assert plain(sql_mutants.mutated(place, compiled)) == plain(mutant * 2)
        else:
            assert not sql_mutants.is_in(place, compiled)


def plain(text: str) -> str:
    """Without the marks of places that are as they were, and with single spaces."""
    return " ".join(re.sub(r"/\*:?\w{12}:?\*/", "", text).split())


def test_a_place_keeps_its_key_and_its_turn_when_lines_come_before_it() -> None:
    before = list(places_in("m.sql", MODEL, sql_mutants.changes_of(MODEL)))
    longer = f"-- more\nselect 7 from x;\n{MODEL}"
    after = list(places_in("m.sql", longer, sql_mutants.changes_of(longer)))
    assert [place.key for place in after[-len(before) :]] == [place.key for place in before]
    turns = [place.key for place in in_order(before)]
    assert [place.key for place in in_order(after) if place.key in turns] == turns
    assert turns != [place.key for place in before]


def test_whoever_holds_a_function_calls_the_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "some_room.py"
    file.write_text(FUNCTION)
    monkeypatch.syspath_prepend(str(tmp_path))
    from some_room import late  # type: ignore[import-not-found]

    assert late(8) is True
    by_change = {
        change: place
        for place in places_in("some_room.py", FUNCTION, python_mutants.changes_of(FUNCTION))
        for change in changes([place])
    }

    def answers(change: str, days: int) -> Verdict:
        def answer() -> Verdict:
            assert python_mutants.put_in_place(by_change[change], file)
            return Verdict(str(late(days)))

        return in_a_fork(answer, 10)

    assert answers("days - 1 >= limit → (days - 1 > limit)", 8).outcome == "False"
    assert answers("return days - 1 >= limit → return None", 9).outcome == "None"
    assert late(8) is True


def test_a_fork_tells_its_verdict_and_who_hangs_or_takes_the_process_along_has_died() -> None:
    assert in_a_fork(lambda: Verdict(SURVIVED), 10).outcome == SURVIVED
    began = time.monotonic()
    assert in_a_fork(lambda: time.sleep(60), 0.2).by == "took longer than 0 s"  # type: ignore[arg-type,return-value]
    assert time.monotonic() - began < 10
    crashed = in_a_fork(lambda: os.kill(os.getpid(), signal.SIGKILL), 10)  # type: ignore[arg-type,return-value]
    assert (crashed.outcome, crashed.by) == (DIED, "took its process along")


def test_a_trial_that_fails_by_itself_is_no_verdict() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        in_a_fork(lambda: Verdict(str(1 // 0)), 10)


ROOM = """
def down(number):
    return down(number + 1)


def late(days):
    return days > 7
"""
ITS_TESTS = """
import pytest
from dagster_project.room import down, late


def test_without_end():
    with pytest.raises(RecursionError):
        down(0)


def test_late():
    assert late(8)
"""
JUDGED = """
import sys
from functools import partial
from pathlib import Path
from kept_trials import KeptTrials
from make_mutants import _wanted
from python_mutants import python_places
from python_trials import try_python_mutants

project = Path(sys.argv[1])
sys.path.insert(0, str(project))
kept = KeptTrials(project / "python.jsonl")
wanted = partial(_wanted, kept, 300, False, python_places(project, ["*.py"]))
try_python_mutants(project, ["tests"], wanted, kept, project)
"""


def test_a_recursion_without_end_hides_from_no_later_test_what_it_reaches(tmp_path: Path) -> None:
    for file, text in (("dagster_project/room.py", ROOM), ("tests/test_room.py", ITS_TESTS)):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(text)
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": ""}
    subprocess.run([sys.executable, "-c", JUDGED, str(tmp_path)], env=where, check=True)
    trials = [json.loads(line) for line in (tmp_path / "python.jsonl").read_text().splitlines()]
    assert {trial["before"]: trial["by"] for trial in trials}["return days > 7"] == "tests/test_room.py::test_late"


def kept(folder: Path, found: list[Place], outcomes: list[str]) -> KeptTrials:
    trials = KeptTrials(folder / "sql.jsonl")
    trials.note_population([place.key for place in found], without=2)
    for place, outcome in zip(found, outcomes, strict=False):
        trials.note(place, Verdict(outcome))
    return KeptTrials(folder / "sql.jsonl")


def test_it_goes_on_with_what_is_missing_or_was_half_written(tmp_path: Path) -> None:
    found = list(places_in("m.sql", MODEL, sql_mutants.changes_of(MODEL)))
    trials = kept(tmp_path, found, [DIED, SURVIVED, INVALID])
    with trials.file.open("a") as lines:
        lines.write(json.dumps(found[3].as_dict())[:30])
    trials = KeptTrials(trials.file)
    assert [trials.is_missing(place, again=False) for place in found[:5]] == [False, False, False, True, True]
    assert [trials.is_missing(place, again=True) for place in found[:5]] == [False, True, False, True, True]


def test_the_score_is_of_valid_mutants_and_the_last_trial_of_each(tmp_path: Path) -> None:
    found = list(places_in("m.sql", MODEL, sql_mutants.changes_of(MODEL)))
    trials = kept(tmp_path, found, [SURVIVED, INVALID, DIED, DIED, DIED, DIED])
    assert Figures(trials.sample(4)).score == 0.75
    trials.note(found[0], Verdict(DIED))
    figures = Figures(KeptTrials(trials.file).sample(300))
    assert (figures.died, len(figures.valid), figures.invalid) == (5, 5, 1)
    assert figures.interval == pytest.approx((0.5655, 1), abs=0.0001)
    told = figures.told(trials.population)
    assert "14 places, and 2 that no test here can reach" in told
    assert "5 died: 100.0%, of all of them between 56.6% and 100.0%" in told
