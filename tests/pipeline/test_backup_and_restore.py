"""A backup, put into an empty installation, makes the same tables, lists and numbers of customers again."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest
from shop_runs import FIRST_AS_OF, Shop

from dagster_project.settings import load_settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.warehouse import held


def made_backup(shop: Shop, folder: Path) -> Path:
    assert "files" in shop.strata("backup", str(folder))
    [made] = folder.iterdir()
    return made


def test_a_restored_installation_makes_the_same_tables_and_lists(
    shop: Shop, tmp_path: Path, parsed_project: Path
) -> None:
    made = made_backup(shop, tmp_path / "backups")
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made.rglob("*")}
    assert modes == {0}, "personal data lies in it"
    assert {"landing", "identity", "assignments", "standards", "audit"} <= {p.name for p in (made / "data").iterdir()}
    assert not (made / "data" / "warehouse").exists()

    empty = Shop(tmp_path / "new" / "config", tmp_path / "new" / "data")
    said = empty.strata("restore", str(made))
    assert "other settings" not in said, "the settings came too"
    # What was in the inbox is in landing.
    restored = empty.spared_the_parse(parsed_project)
    restored.strata("run", "--as-of", str(FIRST_AS_OF))
    assert restored.published() == shop.published()
    assert restored.served() == shop.served()
    assert restored.lists() == shop.lists()

    again = restored.strata("restore", str(made), code=1)
    assert "is put into an empty installation" in again


def test_a_backup_that_lost_a_byte_is_refused_whole(shop: Shop, tmp_path: Path) -> None:
    made = made_backup(shop, tmp_path / "backups")
    parquet = next((made / "data" / "landing").rglob("*.parquet"))
    parquet.write_bytes(parquet.read_bytes()[:-1] + b"x")
    empty = Shop(tmp_path / "new" / "config", tmp_path / "new" / "data")
    said = empty.strata("restore", str(made), code=1)
    assert parquet.name in "".join(said.split())
    assert not empty.data.exists()


def test_a_backup_waits_for_the_warehouse_and_says_for_whom(shop: Shop, tmp_path: Path) -> None:
    with held(shop.settings.paths.warehouse, who="a test at work", wait_seconds=5):
        said = shop.strata("backup", str(tmp_path / "backups"), code=1, STRATA_WAREHOUSE_WAIT_SECONDS="1")
    assert "a test at work" in said
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize("place", [".", "identity/backups"])
def test_a_backup_into_what_is_saved_is_refused(shop: Shop, place: str) -> None:
    said = shop.strata("backup", str(shop.data / place), code=1)
    assert "lies within what is saved" in said


def test_the_shipped_settings_are_not_overwritten_by_a_restore(shop: Shop, tmp_path: Path) -> None:
    made = made_backup(shop, tmp_path / "backups")
    shutil.copytree(PROJECT_ROOT / "config", tmp_path / "new" / "config")
    other = Shop(tmp_path / "new" / "config", tmp_path / "new" / "data")
    assert "other settings" in other.strata("restore", str(made))
    assert load_settings(other.config, other.data).sources.business.sample
