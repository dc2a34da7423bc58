"""Files are switched whole, and on the disk before they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flushes import Flush

from dagster_project.atomic_files import unfinished, write_if_changed, written_beside


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_is_before_it_counts(
    tmp_path: Path, flushes: list[Flush]
) -> None:
    target = tmp_path / "kept.json"
    with written_beside(target) as beside:
        beside.write_text("new")
    assert [(flush.path, target.name in flush.names) for flush in flushes] == [(beside, False), (tmp_path, True)]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "kept.json"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), written_beside(target) as beside:
        beside.write_text("half \udcff", encoding="utf-8")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("kept.json", "old")]


@pytest.mark.parametrize("pattern", ["*.parquet", "*.json", "as_of_date=*"])
def test_what_a_killed_run_left_is_found_by_no_pattern_of_a_reader(tmp_path: Path, pattern: str) -> None:
    for name in ("2024-01-31.parquet", "000001.json", "as_of_date=2024-01-31"):
        unfinished(tmp_path, name).write_bytes(b"half")
    assert not list(tmp_path.glob(pattern))


def test_an_equal_file_keeps_its_time(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    assert write_if_changed(target, b"page")
    os.utime(target, ns=(0, 0))
    assert not write_if_changed(target, b"page")
    assert target.stat().st_mtime_ns == 0
