"""A full disk is called so, blames no file of the user, and costs nothing once there is room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_rooms import fingerprint, landed_rows
from shop_runs import Shop

NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


def may_mount() -> bool:
    try:
        tried = subprocess.run([*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.mark.skipif("CI" not in os.environ and not may_mount(), reason="this user may not mount a disk of their own")
def test_a_full_disk_is_told_and_the_next_landing_goes_on(landed_shop: Shop, tmp_path: Path) -> None:
    """Sizes from the empty folder's own to one with room: the disk is full at other places each time."""
    disk = tmp_path / "disk"
    disk.mkdir()
    sizes = ["16", "24", "32", "48", "64", "80", "100", "4096"]
    program = Path(__file__).with_name("on_a_small_disk.py")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, program, disk, landed_shop.data.parent, *sizes],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    *full, last = seen["told"]
    assert last == ""
    assert sum(told != "" for told in full) >= 4, full
    for told in full:
        assert not told or told.startswith("DiskFull: The disk is full: ")
        assert not told or "Make room on the disk of the data folder, then start the same command again" in told
    assert seen["leftovers"] == []
    assert seen["landed"] == fingerprint(landed_rows(landed_shop))
