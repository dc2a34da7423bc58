"""A damaged file is named with its cure, the cure works, and nobody's own file is blamed for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from faulty_rooms import NOW, landed_rows, new_orders
from marts_fixture import build_marts
from shop_runs import Shop

from dagster_project.errors import StrataError
from dagster_project.identity.registry import append_references, read_registry
from dagster_project.landing import Manifest, land
from dagster_project.publishing.parquet import publish_parquet
from dagster_project.publishing.serving import publish_serving_copy
from dagster_project.warehouse import WarehouseDamaged, opened

DAYS = [date(2017, 12, 31), date(2018, 1, 1)]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def zeroed(content: bytes) -> bytes:
    """A block of zeros in the middle, as a disk that lost a write leaves."""
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def orders_batch(shop: Shop) -> Path:
    manifest = Manifest.load(shop.settings.paths)
    return manifest.absolute(manifest.of("orders")[0].path or "")


@pytest.mark.parametrize("damage", [cut, emptied, zeroed, None], ids=["cut", "emptied", "zeroed", "gone"])
def test_a_damaged_batch_is_named_and_put_back_from_a_backup(
    shop: Shop, damage: Callable[[bytes], bytes] | None, tmp_path: Path
) -> None:
    batch, backup = orders_batch(shop), tmp_path / "backup"
    shutil.copy(batch, backup)
    new_orders(shop)
    before = landed_rows(shop)
    if damage is None:
        batch.unlink()
    else:
        batch.write_bytes(damage(batch.read_bytes()))
    with pytest.raises(StrataError) as told:
        land(shop.settings, now=NOW)
    assert str(batch) in str(told.value)
    assert "inbox/shop/orders_2023.csv" in str(told.value)
    assert "from a backup" in str(told.value)
    shutil.copy(backup, batch)
    assert landed_rows(shop) == before, "what was refused has landed nothing"
    assert land(shop.settings, now=NOW).batches


def test_a_damaged_entry_of_the_manifest_is_named_and_put_back_from_a_backup(shop: Shop) -> None:
    entry = sorted((shop.data / "landing" / "manifest").glob("*.json"))[1]
    content = entry.read_bytes()
    batches = sorted((shop.data / "landing" / "batches").rglob("*.parquet"))
    for damage in (cut, emptied):
        entry.write_bytes(damage(content))
        with pytest.raises(StrataError, match=r"is damaged .* restore it from a backup"):
            land(shop.settings, now=NOW)
    assert sorted((shop.data / "landing" / "batches").rglob("*.parquet")) == batches, "its batch is no orphan"
    entry.write_bytes(content)
    assert land(shop.settings, now=NOW).batches == []


@pytest.mark.parametrize("damage", [cut, emptied], ids=["cut", "emptied"])
def test_a_damaged_registry_is_named_and_numbers_nobody_anew(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    append_references(tmp_path, pa.table({"source": ["shop"] * 3, "customer_ref": ["a", "b", "c"]}), first_id=1)
    [part] = tmp_path.glob("*.parquet")
    content = part.read_bytes()
    part.write_bytes(damage(content))
    with pytest.raises(StrataError, match=r"registry-.*\.parquet is damaged.*from a backup"):
        read_registry(tmp_path)
    part.write_bytes(content)
    assert read_registry(tmp_path).num_rows == 3


def test_a_damaged_plan_of_an_erasure_says_what_to_put_back(shop: Shop) -> None:
    from dagster_project.privacy.plan import plan_file, read_plan

    plan = plan_file(shop.settings.paths)
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.write_text('{"keys"', encoding="utf-8")
    with pytest.raises(StrataError, match=r"is damaged .*from a backup and ask for the erasure again"):
        read_plan(shop.settings.paths)


@pytest.mark.parametrize(
    "damage", [cut, zeroed, lambda _: b"no database at all, " * 1000], ids=["cut", "zeroed", "other"]
)
def test_a_damaged_warehouse_says_how_it_is_made_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    warehouse = tmp_path / "strata.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create table kept as select range as number, hash(range) as noise from range(200_000)")
    content = warehouse.read_bytes()
    warehouse.write_bytes(damage(content))
    with pytest.raises(WarehouseDamaged) as told, opened(warehouse, who="test", wait_seconds=1) as con:
        con.execute("select sum(noise % 7) from kept").fetchall()
    assert str(warehouse) in str(told.value)
    assert "move it away" in str(told.value)
    assert "strata backfill --from DAY --to DAY" in str(told.value)
    warehouse.unlink()
    with opened(warehouse, who="test", wait_seconds=1) as con:
        assert con.execute("select 1").fetchall() == [(1,)]


@pytest.fixture
def marts(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(tmp_path / "invented.duckdb"))
    build_marts(con, DAYS)
    return con


def test_what_is_published_and_was_damaged_is_written_anew_by_the_next_run(
    marts: duckdb.DuckDBPyConnection, shop: Shop, tmp_path: Path
) -> None:
    """Serving copy, tables, manifests and current.json alike; nobody has to do anything."""
    publishing = shop.settings.publishing
    folder, serving = tmp_path / "parquet", tmp_path / "serving"

    def publish() -> dict[str, bytes]:
        publish_parquet(marts, folder=folder, settings=publishing, days=DAYS, code_version="1")
        publish_serving_copy(marts, folder=serving, settings=publishing, days=DAYS, code_version="1")
        with duckdb.connect(str(serving / "strata.duckdb"), read_only=True) as copy:
            rows = copy.execute("select count(*), bit_xor(hash(t)) from customer_segments as t").fetchall()
        linked = [part for part in folder.iterdir() if part.is_symlink()]
        files = [*(file for part in linked for file in part.iterdir()), folder / "current.json"]
        return {str(file.relative_to(folder)): file.read_bytes() for file in files} | {"copy": repr(rows).encode()}

    whole = publish()
    spoilt = [serving / "strata.duckdb", folder / "current.json"]
    spoilt += [folder / "as_of_date=2018-01-01" / name for name in ("manifest.json", "customer_segments.parquet")]
    for file, damage in zip(spoilt, (cut, emptied, cut, emptied), strict=True):
        content = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(damage(content))
        assert publish() == whole, file
