"""Running again is harmless: nothing new lands, no published byte changes, no list is issued twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from shop_runs import FIRST_AS_OF, Shop


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every file below `folder`: a file written anew has another of each, whatever is in it."""
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_running_a_day_again_changes_no_byte(shop: Shop) -> None:
    folders = ("published", "lists", "assignments", "reports", "audit")
    before = {folder: stamps(shop.data / folder) for folder in folders}
    published, served, lists = shop.published(), shop.served(), shop.lists()
    landed = sorted((shop.data / "landing" / "manifest").iterdir())
    shop.strata("run", "--as-of", str(FIRST_AS_OF))
    assert sorted((shop.data / "landing" / "manifest").iterdir()) == landed, "the same files land nothing"
    assert shop.published() == published
    assert shop.served() == served
    assert shop.lists() == lists
    for folder in folders:
        assert stamps(shop.data / folder) == before[folder], folder


def test_published_tables_hold_no_float_and_no_clock(shared_shop: Shop) -> None:
    """Sums of floats differ from run to run with two threads; a time of the run would differ by itself."""
    files = list((shared_shop.data / "published" / "parquet" / f"as_of_date={FIRST_AS_OF}").glob("*.parquet"))
    assert files
    for file in files:
        for field in pq.read_schema(file):
            assert "float" not in str(field.type), f"{file.name}: {field}"
            assert "double" not in str(field.type), f"{file.name}: {field}"
