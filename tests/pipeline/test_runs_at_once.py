"""Everything at once in one installation: all ends well, and leaves what the command line leaves one after the other.

Webserver and daemon are Dagster's own, on PostgreSQL. One run is killed in the middle and one that may not be repeated.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from time import sleep
from zoneinfo import ZoneInfo

import adbc_driver_postgresql.dbapi
import pytest
from busy_morning import (
    DROPPED_FILES,
    INSTALLATION,
    KEEP_EVERY_DAY,
    READS_A_SECOND,
    READS_AN_OPENING,
    Morning,
    configure,
    drop_export,
    live_through,
)
from shop_runs import FIRST_AS_OF, RANGE, SECOND_AS_OF, Shop

from dagster_project.warehouse.run_window import last_complete_day

BUSINESS = ZoneInfo("Asia/Shanghai")
# Minutes where nothing else is at work; the rest is for a machine that is busy.
LONGEST_MORNING = timedelta(minutes=20)


@pytest.fixture(scope="module")
def day() -> date:
    """The day of the daily run, of the dropped export and of `strata run` without words: one for all of the morning.

    Where the business day ends before the morning would, the next one is waited for.
    """
    now = datetime.now(BUSINESS)
    left = datetime.combine(now.date() + timedelta(days=1), time(), BUSINESS) - now
    if left < LONGEST_MORNING:
        sleep(left.total_seconds() + 1)
    return last_complete_day(datetime.now(UTC), BUSINESS)


@pytest.fixture(scope="module")
def dagster_database(postgres_database: str) -> dict[str, str]:
    return {"STRATA_DAGSTER_POSTGRES_URL": postgres_database}


@pytest.fixture(scope="module")
def installation(shared_shop: Shop, dagster_database: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shared shop, with Dagster's runs and what is published in PostgreSQL, and somebody to be told."""
    shop = shared_shop.copied_to(tmp_path_factory.mktemp("installation"))
    configure(shop, INSTALLATION)
    assert "1 day stored" in shop.strata("status", **dagster_database)
    return shop


@pytest.fixture(scope="module")
def morning(installation: Shop, day: date, postgres_database: str, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    return live_through(installation, day, database=postgres_database, folder=tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def one_after_the_other(range_shop: Shop, day: date, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop where the command line has done the same: the backfill, then the day with what was dropped."""
    shop = range_shop.copied_to(tmp_path_factory.mktemp("command_line"))
    configure(shop, KEEP_EVERY_DAY)
    drop_export(shop, day)
    shop.strata("run", "--as-of", str(day))
    return shop


def test_all_end_well_the_killed_run_at_its_second_try(morning: Morning) -> None:
    [again] = morning.second_tries_of(morning.killed)
    [dropped] = morning.of_sensor(DROPPED_FILES)
    assert morning.killed.status == "FAILURE", "a run whose process is gone is ended"
    assert (again.status, dropped.status, morning.backfill.status) == ("SUCCESS", "SUCCESS", "SUCCESS")
    assert morning.backfill_status in {"COMPLETED_SUCCESS", "COMPLETED"}
    jobs = Counter((run.job, run.status) for run in morning.runs)
    assert jobs == {
        ("daily", "FAILURE"): 1,
        ("daily", "SUCCESS"): 3,
        ("backfill", "SUCCESS"): 1,  # one for the whole range
        ("backfill", "FAILURE"): 1,
    }


def test_the_second_try_does_every_step_again_since_others_had_their_turn_in_between(morning: Morning) -> None:
    [again], [dropped] = morning.second_tries_of(morning.killed), morning.of_sensor(DROPPED_FILES)
    assert morning.steps[again.run_id].keys() == morning.steps[dropped.run_id].keys()


def test_they_leave_what_the_command_line_leaves_one_after_the_other(
    installation: Shop, morning: Morning, one_after_the_other: Shop
) -> None:
    assert installation.published() == one_after_the_other.published()
    assert installation.served() == one_after_the_other.served()
    assert installation.lists() == one_after_the_other.lists()


def test_no_step_of_a_run_comes_between_two_of_another(morning: Morning) -> None:
    times = sorted(
        (min(began for began, _ in steps.values()), max(ended for _, ended in steps.values()))
        for steps in morning.steps.values()
    )
    assert len(times) == 4
    assert all(ended <= began for (_, ended), (began, _) in pairwise(times)), times


def test_who_waits_says_for_whom(morning: Morning) -> None:
    held = f"waiting for the warehouse, held by process {morning.backfill.process} (backfill of Dagster run "
    assert f"{held}{morning.backfill.run_id[:8]}, since" in morning.said_in_killed
    assert held in morning.said_by_hand or f"(daily of Dagster run {morning.killed.run_id[:8]}" in morning.said_by_hand


def test_readers_of_the_serving_copy_see_whole_versions_alone(morning: Morning, day: date) -> None:
    seen = morning.serving_copy
    assert seen.faults == []
    reads = seen.openings * READS_AN_OPENING
    assert reads > morning.seconds * READS_A_SECOND / 4, "the machine was too slow for the readers"
    assert [each.as_of_date for each in seen.before] == [str(FIRST_AS_OF)]
    assert [each.as_of_date for each in seen.after] == [str(each) for each in (*RANGE, FIRST_AS_OF, day)]
    assert all(each.segments == each.summary for each in seen.after)
    first, last = {str(FIRST_AS_OF)}, str(day)
    backfilled = {*first, *map(str, RANGE)}
    versions = [
        tuple(each for each in seen.after if each.as_of_date in days)
        for days in (first, backfilled, {*first, last}, {*backfilled, last})
    ]
    assert seen.before == versions[0]
    assert seen.ever <= set(versions)


def test_a_client_of_postgresql_sees_whole_days_alone(morning: Morning, day: date) -> None:
    seen = morning.postgres
    assert seen.faults == []
    assert seen.before == ()
    assert [each.as_of_date for each in seen.after] == [str(each) for each in (*RANGE, day)]
    assert all(each.segments == each.summary for each in seen.after)
    assert all(set(days) <= set(seen.after) for days in seen.ever), "a day was there in part"
    assert seen.openings > morning.seconds


def test_who_is_to_be_told_hears_of_the_lost_run_and_not_of_the_one_done_again(morning: Morning) -> None:
    assert morning.lost.status == "FAILURE"
    assert morning.second_tries_of(morning.lost) == []
    [told] = [each for each in morning.told if "a run failed" in each["title"]]
    assert morning.lost.run_id[:8] in told["message"]
    assert f"backfill, {SECOND_AS_OF}" in told["title"]
    assert len([each for each in morning.told if "is late" in each["title"]]) == 1


def test_every_sensor_looks_under_the_living_daemon(morning: Morning) -> None:
    for sensor, ticks in morning.ticks.items():
        assert ticks, sensor
        assert not {"FAILURE"} & set(ticks), sensor


def test_dagster_knows_of_the_runs_in_postgresql_and_no_file_holds_its_address(
    installation: Shop, morning: Morning, postgres_database: str, dagster_database: dict[str, str]
) -> None:
    with adbc_driver_postgresql.dbapi.connect(postgres_database) as con, con.cursor() as cursor:
        cursor.execute("select count(*) from runs")
        assert cursor.fetchall() == [(len(morning.runs),)]
    assert f"{len(RANGE) + 2} days stored" in installation.strata("status", **dagster_database)
    assert postgres_database not in (installation.data / "dagster" / "dagster.yaml").read_text()
