"""`make faults` goes on where it ended and does not call a broken promise a success."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import make_faults
import pytest


def kept(room: str, number: int, problem: str = "", *, was_killed: bool = True) -> str:
    return json.dumps(
        {"room": room, "number": number, "moment": "event 1 of 2", "was_killed": was_killed, "problem": problem}
    )


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """The numbers that it would go on with, by room; none is carried out."""
    asked: dict[str, list[int]] = {}

    def note(room, numbers, *_) -> None:
        asked[room.name] = list(numbers)

    monkeypatch.setattr(make_faults, "faults_of", note)
    return asked


def told(folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    (folder / "kills.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["make_faults.py", str(folder), "--only", "forget"])
    return make_faults.main()


def test_it_goes_on_with_what_is_missing_was_half_written_or_ended_before_its_kill(
    tmp_path: Path, missing: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [kept("forget", number, was_killed=number != 7) for number in range(25)]
    assert told(tmp_path, [*lines, kept("forget", 25)[:20]], monkeypatch) == 0
    assert missing == {"forget": [7, 25, 26, 27, 28, 29]}


def test_one_broken_promise_of_all_is_a_failure(
    tmp_path: Path, missing: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [kept("forget", number, "AssertionError: totals" if number == 3 else "") for number in range(30)]
    assert told(tmp_path, lines, monkeypatch) == 1
    assert missing == {}
    assert capsys.readouterr().out.split()[-5:] == ["forget", "30", "30", "0", "1"]
