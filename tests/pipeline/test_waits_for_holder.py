"""Who finds the warehouse held, or in a run's turn, waits, says for whom, and goes on or gives up."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop_runs import SECOND_AS_OF, Shop
from watched_run import HOLDER, Watched, warehouse_holder


def test_it_says_for_whom_it_waits_and_goes_on_when_it_may(watched: Watched, second_day: Shop) -> None:
    said = f"waiting for the warehouse, held by process {watched.holder_pid} ({HOLDER}, since"
    assert said in " ".join(watched.output.split())
    assert any(f"as_of_date={SECOND_AS_OF}" in table for table in second_day.published())


def test_it_gives_up_in_time_and_names_the_holder(shop: Shop) -> None:
    published = shop.published()
    with warehouse_holder(shop) as holder:
        output = shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1, STRATA_WAREHOUSE_WAIT_SECONDS="2")
    words = " ".join(output.split())
    assert f"is held by process {holder.pid} ({HOLDER}" in words
    assert "waited 2 s. Let that process finish, or end it, then start again." in words
    assert "Traceback" not in output
    assert shop.published() == published


@pytest.mark.parametrize(
    "words",
    [
        ("forget", "members:000020", "--yes"),
        ("forget", "--resume"),
        ("opt-out", "members:000020"),
        ("purge",),
        ("backup", "copies"),
        ("upgrade",),
    ],
    ids=" ".join,
)
def test_what_changes_or_publishes_what_runs_work_on_does_not_come_between_two_steps_of_a_run(
    shop: Shop, words: tuple[str, ...], tmp_path: Path
) -> None:
    """The warehouse itself is free between two steps."""
    before = (shop.published(), shop.served(), shop.lists(), landed_files(shop))
    with warehouse_holder(shop, "turn") as holder:
        output = shop.strata(
            *(str(tmp_path / word) if word == "copies" else word for word in words),
            code=1,
            STRATA_WAREHOUSE_WAIT_SECONDS="1",
            STRATA_HASH_KEY="a long secret text",
        )
    said = " ".join(output.split())
    assert f"waiting for the warehouse, held by process {holder.pid} ({HOLDER}, since" in said
    assert "waited 1 s. Let that process finish, or end it, then start again." in said
    assert (shop.published(), shop.served(), shop.lists(), landed_files(shop)) == before
    assert not (tmp_path / "copies").exists()


def test_who_only_looks_does_not_wait_for_the_end_of_a_run(shop: Shop) -> None:
    with warehouse_holder(shop, "turn"):
        for words in ("purge --dry-run", "upgrade --dry-run", "status", "report"):
            assert "waiting" not in shop.strata(*words.split(), STRATA_WAREHOUSE_WAIT_SECONDS="1")


def landed_files(shop: Shop) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in sorted((shop.data / "landing").rglob("*.parquet"))}
