"""A room killed at any moment leaves whole versions to readers, and its next run ends as if nothing had happened.

A share of the faults runs with every test run; `make faults` goes through all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from faulty_rooms import ROOMS
from killing import Fault, faults_of, preload

QUICK = {"landing": 3, "identity": 4, "publishing": 3, "forget": 3}


@pytest.mark.parametrize("name", QUICK)
def test_a_killed_room_is_made_good_by_its_next_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # as it was, for the tests after this one
    preload()
    faults: list[Fault] = []
    faults_of(ROOMS[name], range(QUICK[name]), tmp_path, faults.append)
    assert [fault for fault in faults if fault.problem] == []
    assert all(fault.was_killed for fault in faults)
