"""A full disk is called so, blames no file of the user, and costs nothing once there is room."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest
from faulty_rooms import fingerprint, landed_rows
from shop_runs import Shop

from dagster_project.errors import DiskFull
from dagster_project.warehouse import held

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


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "data/published/x"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        duckdb.IOException('IO Error: Could not write file "data/x.parquet": No space left on device'),
        duckdb.OutOfMemoryException("Out of Memory Error: failed to offload\nset by 'max_temp_directory_size' setting"),
    ],
)
def test_a_step_that_holds_the_warehouse_tells_a_full_disk_however_it_is_worded(
    error: Exception, tmp_path: Path
) -> None:
    with pytest.raises(DiskFull, match=r"start the same command again"), work(tmp_path):
        raise error


def test_another_fault_of_the_operating_system_is_not_called_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), work(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied", "data/warehouse")


def work(folder: Path) -> AbstractContextManager[object]:
    return held(folder / "strata.duckdb", who="test", wait_seconds=1)
