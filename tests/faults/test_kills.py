"""A room killed at any moment leaves whole versions to readers, and its next run ends as if nothing had happened.

A share of the faults runs with every test run; `make faults` goes through all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_rooms import ROOMS
from killing import Fault, faults_of
from shop_runs import Shop

QUICK = ("landing", "identity", "publishing", "forget")


@pytest.mark.parametrize("name", QUICK)
def test_a_killed_room_is_made_good_by_its_next_run(name: str, tmp_path: Path) -> None:
    refuse_broken_promises(name, 2, tmp_path)


def test_a_killed_dbt_is_made_good_by_its_next_run(shared_shop: Shop, tmp_path: Path) -> None:
    shared_shop.copied_to(tmp_path / "dbt-base")
    refuse_broken_promises("dbt", 1, tmp_path)


def refuse_broken_promises(name: str, kills: int, folder: Path) -> None:
    faults: list[Fault] = []
    faults_of(ROOMS[name], range(kills), folder, faults.append)
    assert [fault for fault in faults if fault.problem] == []
    assert all(fault.was_killed for fault in faults)
