"""A run that finds the warehouse held by another process waits, says for whom, and goes on or gives up."""

from __future__ import annotations

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
