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


@pytest.fixture(scope="module")
def saved(shared_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of which a backup was made; neither it nor the backup is to be changed."""
    shop = shared_shop.copied_to(tmp_path_factory.mktemp("saved"))
    assert "files" in shop.strata("backup", str(shop.data.parent / "backups"))
    return shop


@pytest.fixture(scope="module")
def made(saved: Shop) -> Path:
    """The backup of it."""
    [made] = (saved.data.parent / "backups").iterdir()
    return made


def test_a_restored_installation_makes_the_same_tables_and_lists(
    saved: Shop, made: Path, tmp_path: Path, parsed_project: Path
) -> None:
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
    assert restored.published() == saved.published()
    assert restored.served() == saved.served()
    assert restored.lists() == saved.lists()

    again = restored.strata("restore", str(made), code=1)
    assert "is put into an empty installation" in again


def test_a_backup_that_lost_a_byte_is_refused_whole(made: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(made, tmp_path / made.name)
    parquet = next((damaged / "data" / "landing").rglob("*.parquet"))
    parquet.write_bytes(parquet.read_bytes()[:-1] + b"x")
    empty = Shop(tmp_path / "new" / "config", tmp_path / "new" / "data")
    said = empty.strata("restore", str(damaged), code=1)
    assert parquet.name in "".join(said.split())
    assert not empty.data.exists()


def test_a_backup_waits_for_the_warehouse_and_says_for_whom(saved: Shop, tmp_path: Path) -> None:
    with held(saved.settings.paths.warehouse, who="a test at work", wait_seconds=5):
        said = saved.strata("backup", str(tmp_path / "backups"), code=1, STRATA_WAREHOUSE_WAIT_SECONDS="1")
    assert "a test at work" in said
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize("place", [".", "identity/backups"])
def test_a_backup_into_what_is_saved_is_refused(saved: Shop, place: str) -> None:
    said = saved.strata("backup", str(saved.data / place), code=1)
    assert "lies within what is saved" in said


def test_the_shipped_settings_are_not_overwritten_by_a_restore(made: Path, tmp_path: Path) -> None:
    shutil.copytree(PROJECT_ROOT / "config", tmp_path / "new" / "config")
    other = Shop(tmp_path / "new" / "config", tmp_path / "new" / "data")
    assert "other settings" in other.strata("restore", str(made))
    assert load_settings(other.config, other.data).sources.business.sample
