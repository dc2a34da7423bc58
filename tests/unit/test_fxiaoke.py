"""纷享销客's Open API, pulled from a server on loopback that keeps its rules, through landing."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from examples import tried_with
from fxiaoke_server import APP, CORPORATION, MOBILE, USER, FxiaokeServer, Misbehaving, Record, full, milliseconds
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from landing_workshop import NOW, Workshop
from pydantic import SecretStr

from dagster_project.errors import SettingsError, StrataError
from dagster_project.landing import LandingResult, land
from dagster_project.landing.check import inspect_reads
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets
from dagster_project.settings.sources import FxiaokeSource
from dagster_project.sources.files import SourceError
from dagster_project.sources.fxiaoke import pull_object
from dagster_project.sources.pulling import Part, Pull, SourceUnavailable

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SOURCE = """
  - name: crm
    kind: fxiaoke
    url: {url}
    http: {{timeout_seconds: {timeout}, attempts: 3, longest_wait_seconds: 0}}
    reads:
      - entity: customers
        object: {object}
        rows_per_batch: {rows}
        columns:
          customer_ref: _id
          name: name
          city: city
          owner: [owner__r.name, owner.0]
          is_deleted: {{from: is_deleted}}
          created_at: {{from: create_time, formats: epoch_ms}}
          updated_at: {{from: last_modified_time, formats: epoch_ms}}
"""


def account(number: int, changed_at: datetime, **fields: Any) -> Record:
    return {
        "_id": f"65e1a2b3c4d5e6f7{number:08x}",
        "name": f"云南第{number}商行",
        "city": "昆明",
        "last_modified_time": milliseconds(changed_at),
        **fields,
    }


def accounts(count: int, *, until: datetime = NOW - DAY, apart: timedelta = MINUTE) -> list[Record]:
    return [account(number, until - apart * (count - number - 1)) for number in range(count)]


class Tenant(Workshop):
    """An installation whose one source is a 纷享销客 tenant."""

    def configured(self, server: FxiaokeServer, sources: str = SOURCE, **values: Any) -> Settings:
        filled = {"url": server.url, "object": "AccountObj", "rows": 200_000, "timeout": 5, **values}
        loaded = self.settings(sources.format(**filled))
        return replace(loaded, environment=replace(loaded.environment, secrets=server.secrets("crm")))

    def pull(
        self, server: FxiaokeServer, *, now: datetime = NOW, sources: str = SOURCE, **values: Any
    ) -> LandingResult:
        return land(self.configured(server, sources, **values), now=now)

    def newest(self) -> dict[str, str]:
        """The city in the newest landed version of every customer, as staging chooses it."""
        found = self.rows(
            """
            select customer_ref, city from customers
            qualify row_number() over (
                partition by customer_ref order by updated_at desc, batch_sequence desc, row_number desc
            ) = 1
            """
        )
        return dict(found)


@pytest.fixture
def tenant(tmp_path: Path) -> Tenant:
    return Tenant(tmp_path, hash_key="k" * 32)


@pytest.fixture(scope="module")
def running() -> Iterator[FxiaokeServer]:
    with FxiaokeServer({}) as server:
        yield server


@pytest.fixture
def server(running: FxiaokeServer) -> FxiaokeServer:
    running.become_new({"AccountObj": []})
    return running


def fill(server: FxiaokeServer, records: list[Record], name: str = "AccountObj") -> None:
    for record in records:
        server.write(name, record)


def counts(result: LandingResult) -> list[tuple[int, int, int, int]]:
    return [(batch.rows_read, batch.new, batch.changed, batch.unchanged) for batch in result.batches]


# -- what lands ------------------------------------------------------------------------------------------------------


def test_the_first_pull_lands_every_record_with_its_times_lists_and_twins(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, [account(1, NOW - DAY, create_time=1728650522846), account(2, NOW - HOUR, is_deleted=True)])
    server.write("AccountObj", account(3, NOW - DAY, owner=["FSUID_9"], owner__r=None))
    assert counts(tenant.pull(server)) == [(3, 3, 0, 0)]
    # 1728650522846 ms is 2024-10-11 12:42:02.846 UTC.
    assert tenant.rows("select owner, is_deleted, created_at, updated_at from customers order by customer_ref") == [
        ("王销售", False, datetime(2024, 10, 11, 12, 42, 2, 846000, tzinfo=UTC), NOW - DAY),
        ("王销售", True, NOW - HOUR, NOW - HOUR),
        (None, False, NOW - DAY, NOW - DAY),
    ]


def test_a_record_keeps_every_field_but_what_the_search_adds(server: FxiaokeServer, tmp_path: Path) -> None:
    given_fields = account(
        1,
        NOW - DAY,
        total_order_amount="1280.00",
        account_id__r="甲",
        source__o="展会 😀",
        UDSText1__c=None,
        tags__c=["a", "b"],
    )
    fill(server, [given_fields])
    [part] = parts(server, tmp_path)
    [record] = lines(part)
    assert given_fields.items() <= record.items()
    assert record["owner"] == [USER]
    assert not {"searchAfterId", "total_num"} & record.keys()


def test_amounts_in_text_and_objects_of_ones_own_land(tenant: Tenant, server: FxiaokeServer) -> None:
    server.objects["object_8W9cb__c"] = {}
    server.write(
        "object_8W9cb__c",
        {
            **account(1, NOW - DAY),
            "buyer__c": "65e1",
            "amount__c": "1280.50",
            "paid__c": milliseconds(NOW - DAY),
            "life_status": "in_change",
        },
    )
    orders = """
  - name: crm
    kind: fxiaoke
    url: {url}
    currency: CNY
    reads:
      - entity: orders
        object: object_8W9cb__c
        columns:
          order_id: _id
          customer_ref: buyer__c
          ordered_at: {{from: paid__c, formats: epoch_ms}}
          gross_amount: amount__c
          status: {{from: life_status, values: {{normal: completed, in_change: completed, invalid: cancelled}}}}
"""
    tenant.pull(server, sources=orders)
    assert tenant.rows("select customer_ref, ordered_at, gross_amount, status, currency from orders") == [
        ("65e1", NOW - DAY, Decimal("1280.50"), "completed", "CNY")
    ]
    assert {query["data"]["dataObjectApiName"] for query in server.queries} == {"object_8W9cb__c"}


def test_a_record_that_becomes_invalid_is_deleted_where_the_mapping_says_so(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    by_status = SOURCE.replace(
        "{{from: is_deleted}}", "{{from: life_status, values: {{normal: false, invalid: true}}}}"
    )
    fill(server, [account(1, NOW - DAY), account(2, NOW - DAY)])
    tenant.pull(server, sources=by_status)
    server.write("AccountObj", account(1, NOW + MINUTE, life_status="invalid"))
    server.write("AccountObj", account(2, NOW + MINUTE, life_status="under_review"))
    result = tenant.pull(server, sources=by_status, now=NOW + HOUR)
    assert counts(result) == [(2, 0, 1, 0)]
    assert result.batches[0].reasons == {"is_deleted has a value that is not in its values": 1}
    assert tenant.rows("select is_deleted from customers order by batch_sequence desc, row_number limit 1") == [(True,)]


# -- pull after pull -------------------------------------------------------------------------------------------------


def test_the_next_pull_asks_for_what_changed_since_the_last_change_that_was_seen(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, accounts(3, until=NOW - HOUR))
    tenant.pull(server)
    server.queries.clear()
    server.write("AccountObj", account(1, NOW + MINUTE, city="大理"))
    server.write("AccountObj", account(7, NOW + 2 * MINUTE))
    assert counts(tenant.pull(server, now=NOW + HOUR)) == [(2, 1, 1, 0)]
    window = server.queries[0]["data"]["search_query_info"]["filters"]
    assert window == [
        {
            "field_name": "last_modified_time",
            "field_values": [milliseconds(NOW - HOUR), milliseconds(NOW + HOUR)],
            "operator": "BETWEEN",
        }
    ]


def test_a_pull_that_finds_nothing_new_lands_nothing(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(3))
    tenant.pull(server)
    result = tenant.pull(server, now=NOW + HOUR)
    assert (result.batches, [read.note for read in result.reads]) == ([], ["nothing new"])


def test_what_the_overlap_brings_again_changes_nothing(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, [account(1, NOW - MINUTE)])
    tenant.pull(server)
    assert [read.note for read in tenant.pull(server, now=NOW + HOUR).reads] == ["nothing new"]
    assert tenant.pull(server, now=NOW + 2 * HOUR).batches == []


def test_the_watermark_is_never_closer_to_the_pull_than_the_overlap(server: FxiaokeServer, tmp_path: Path) -> None:
    fill(server, [account(1, NOW - 12 * MINUTE), account(2, NOW - MINUTE)])
    [part] = parts(server, tmp_path)
    assert json.loads(part.watermark or "") == {
        "at": milliseconds(NOW - 10 * MINUTE),
        "landed": [],
        "compared_at": milliseconds(NOW),
    }


def test_the_watermark_marks_the_records_of_the_last_time_seen_and_names_none(
    server: FxiaokeServer, tmp_path: Path
) -> None:
    records = [account(1, NOW - 2 * DAY), account(2, NOW - DAY), account(3, NOW - DAY)]
    fill(server, records)
    [part] = parts(server, tmp_path)
    known = json.loads(part.watermark or "")
    assert (known["at"], len(known["landed"])) == (milliseconds(NOW - DAY), 2)
    assert not [record for record in records if record["_id"] in str(part.watermark)]


def test_a_clock_that_was_days_ahead_once_hides_nothing(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(3, until=NOW - HOUR))
    tenant.pull(server, now=NOW + 2 * DAY)
    server.write("AccountObj", account(1, NOW + MINUTE, city="大理"))
    assert counts(tenant.pull(server, now=NOW + HOUR)) == [(1, 0, 1, 0)]


def test_records_that_share_the_last_time_seen_are_told_apart_by_their_ids(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, [account(number, NOW - DAY) for number in range(120)])
    tenant.pull(server, rows=50)
    assert tenant.pull(server, now=NOW + HOUR).batches == []
    server.write("AccountObj", account(500, NOW - DAY))
    assert counts(tenant.pull(server, now=NOW + 2 * HOUR)) == [(1, 1, 0, 0)]


def test_a_change_written_late_or_by_a_slow_clock_is_in_the_next_pull(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(2))
    tenant.pull(server)
    server.write("AccountObj", account(1, NOW - 9 * MINUTE, city="大理"))
    tenant.pull(server, now=NOW + HOUR)
    assert tenant.newest()[account(1, NOW)["_id"]] == "大理"


def test_a_changed_mapping_pulls_everything_again(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(3))
    tenant.pull(server)
    result = tenant.pull(
        server, now=NOW + HOUR, sources=SOURCE.replace("owner: [owner__r.name, owner.0]", "owner: owner.0")
    )
    assert counts(result) == [(3, 0, 3, 0)]


# -- records that change while they are read -------------------------------------------------------------------------


@pytest.mark.parametrize("count", [99, 100, 101, 300])
def test_hundreds_of_records_changed_in_one_millisecond_land_once_each(
    server: FxiaokeServer, tmp_path: Path, count: int
) -> None:
    records = [account(number, NOW - DAY) for number in range(count)]
    fill(server, [account(1000, NOW - 2 * DAY), *records, account(1001, NOW - HOUR)])
    found = [record["_id"] for part in parts(server, tmp_path) for record in lines(part)]
    assert sorted(found) == sorted(server.objects["AccountObj"])
    offsets = [query["data"]["search_query_info"]["offset"] for query in server.queries]
    assert all(offset % 100 == 0 for offset in offsets)


def test_records_that_leave_one_millisecond_while_it_is_read_take_none_with_them(
    server: FxiaokeServer, tmp_path: Path
) -> None:
    same = [account(number, NOW - DAY) for number in range(450)]
    fill(server, same)
    leaving = iter([record for record in same if int(record["_id"][-8:], 16) % 3 == 0])

    def change_two() -> None:
        for record in (next(leaving, None), next(leaving, None)):
            if record is not None:
                server.write("AccountObj", {**record, "last_modified_time": milliseconds(NOW + MINUTE)})

    server.before_query = change_two
    found = {record["_id"] for part in parts(server, tmp_path) for record in lines(part)}
    stayed = {
        key
        for key, record in server.objects["AccountObj"].items()
        if record["last_modified_time"] == milliseconds(NOW - DAY)
    }
    assert len(stayed) < 450
    assert stayed <= found


class Kept:
    """What landing would hold of the parts that were given: the newest version of each record, and the watermark."""

    def __init__(self) -> None:
        self.newest: dict[str, Record] = {}
        self.since: str | None = None

    def land(self, part: Part) -> None:
        for record in lines(part):
            held = self.newest.get(record["_id"])
            if held is None or held["last_modified_time"] <= record["last_modified_time"]:
                self.newest[record["_id"]] = record
        self.since = part.watermark
        part.file.path.unlink()


@tried_with(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1, 90, 150, 230]),
    times=st.sampled_from([1, 2, 7, 400]),
    changes=st.integers(0, 12),
    rows=st.sampled_from([60, 150, 1000]),
    parts_before_kill=st.lists(st.integers(0, 6), max_size=3),
)
def test_the_last_version_of_every_record_arrives_however_records_change_meanwhile_and_pulls_are_killed(
    running: FxiaokeServer,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    size: int,
    times: int,
    changes: int,
    rows: int,
    parts_before_kill: list[int],
) -> None:
    """Records of `times` different times; before each query, up to `changes` of them are changed or new ones made."""
    folder = tmp_path_factory.mktemp("spool")
    draw = random.Random(seed)  # noqa: S311
    before = [account(number, NOW - DAY + timedelta(milliseconds=draw.randrange(times))) for number in range(size)]
    running.become_new({"AccountObj": before})
    clock = now = NOW

    def work_goes_on() -> None:
        nonlocal clock
        for _ in range(draw.randint(0, changes)):
            clock += timedelta(milliseconds=draw.choice((0, 1, 700)))
            running.write("AccountObj", account(draw.randrange(size + 20), clock, city=f"城{draw.randrange(10**6)}"))

    running.before_query = work_goes_on
    kept = Kept()
    for landed in [*parts_before_kill, None]:
        for part in islice(given_parts(running, folder, now=now, rows=rows, since=kept.since), landed):
            kept.land(part)
        clock = now = max(now, clock) + MINUTE
    running.before_query = lambda: None
    for part in given_parts(running, folder, now=now + MINUTE, rows=rows, since=kept.since):
        kept.land(part)
    assert kept.newest == running.objects["AccountObj"]


def test_the_last_version_of_every_record_lands_when_records_change_while_they_are_read(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, accounts(320, apart=timedelta(milliseconds=1)))
    numbers = iter(range(0, 320, 16))

    def change_one() -> None:
        number = next(numbers, None)
        if number is not None:
            server.write("AccountObj", account(number, NOW + MINUTE, city="大理"))

    server.before_query = change_one
    tenant.pull(server, rows=150)
    tenant.pull(server, rows=150, now=NOW + HOUR)
    expected = {key: record["city"] for key, record in server.objects["AccountObj"].items()}
    assert (tenant.newest(), len(set(expected.values()))) == (expected, 2)


def test_pages_are_asked_by_time_not_by_offset(server: FxiaokeServer, tmp_path: Path) -> None:
    fill(server, accounts(450))
    assert sum(part.row_count for part in parts(server, tmp_path)) == 450
    searches = [query["data"]["search_query_info"] for query in server.queries]
    assert {search["offset"] for search in searches} == {0}
    assert {search["limit"] for search in searches} == {100}


# -- records that are gone --------------------------------------------------------------------------------------------

COMPARED = SOURCE.replace("rows_per_batch: {rows}", "compare_keys_days: 7")


def deleted(tenant: Tenant) -> set[str]:
    """Customers whose newest landed version is deleted."""
    found = tenant.rows(
        """
        select customer_ref from customers
        qualify row_number() over (partition by customer_ref order by batch_sequence desc, row_number desc) = 1
            and is_deleted
        """
    )
    return {ref for (ref,) in found}


def test_records_deleted_for_good_are_found_when_ids_are_compared_and_not_before(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, accounts(450))
    tenant.pull(server, sources=COMPARED)
    gone = [account(number, NOW)["_id"] for number in (0, 99, 300)]
    for key in gone:
        del server.objects["AccountObj"][key]
    tenant.pull(server, sources=COMPARED, now=NOW + 6 * DAY)
    assert deleted(tenant) == set()
    server.queries.clear()
    tenant.pull(server, sources=COMPARED, now=NOW + 7 * DAY)
    assert deleted(tenant) == set(gone)
    searches = [query["data"]["search_query_info"] for query in server.queries[1:]]
    assert {tuple(search["fieldProjection"]) for search in searches} == {("_id", "last_modified_time")}
    server.queries.clear()
    tenant.pull(server, sources=COMPARED, now=NOW + 8 * DAY)
    assert len(server.queries) == 1


def test_no_record_that_changes_while_ids_are_compared_is_taken_for_gone(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, [account(number, NOW - DAY + timedelta(milliseconds=number // 150)) for number in range(450)])
    tenant.pull(server, sources=COMPARED)
    del server.objects["AccountObj"][account(7, NOW)["_id"]]
    later = NOW + 7 * DAY
    changing = iter(random.Random(3).sample([n for n in range(450) if n != 7], k=60))  # noqa: S311

    def change_some() -> None:
        for number in islice(changing, 3):
            server.write("AccountObj", account(number, later + timedelta(milliseconds=number)))

    server.before_query = change_some
    tenant.pull(server, sources=COMPARED, now=later)
    assert next(changing, None) is None
    assert deleted(tenant) == {account(7, NOW)["_id"]}


def test_a_right_taken_away_deletes_nobody(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(300))
    tenant.pull(server, sources=COMPARED)
    server.objects["AccountObj"] = dict(list(server.objects["AccountObj"].items())[:20])
    with pytest.raises(StrataError, match="280 of 300 records are no longer there"):
        tenant.pull(server, sources=COMPARED, now=NOW + 7 * DAY)
    assert deleted(tenant) == set()


# -- faults of the system --------------------------------------------------------------------------------------------


def test_a_token_that_expires_in_the_middle_is_taken_anew_and_nothing_is_lost(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, accounts(450))
    asked = iter(range(1000))
    server.before_query = lambda: server.expire_token() if next(asked) in (2, 5) else None
    assert counts(tenant.pull(server)) == [(450, 450, 0, 0)]
    assert server.tokens_given == 3


def test_a_token_that_is_never_taken_ends_the_pull(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(3))
    server.before_query = server.expire_token
    with pytest.raises(SourceError, match=r"takes no token, not even one just given. See in its console"):
        tenant.pull(server)
    assert server.tokens_given == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Misbehaving(code=-1, message="系统繁忙"),
        Misbehaving(code=80001, message="接口调用频率超过限制"),
        Misbehaving(code=500, message="call timeout, try again"),
        Misbehaving(status=500),
        Misbehaving(status=429),
        Misbehaving(status=502, body=b"<html>bad gateway</html>"),
        Misbehaving(body=b""),
        Misbehaving(body=b"[]"),
        Misbehaving(body=b'{"errorCode": null}'),
        Misbehaving(body=b'{"errorCode": 0}'),
        Misbehaving(body=b'{"errorCode": 0, "data": {"dataList": null}}'),
        Misbehaving(body=b'{"errorCode": 0, "data": {"dataList": [1]}}'),
        Misbehaving(is_cut_short=True),
        Misbehaving(silent_seconds=0.6),
    ],
)
def test_a_fault_that_passes_costs_another_try_and_no_record(
    tenant: Tenant, server: FxiaokeServer, wrong: Misbehaving
) -> None:
    fill(server, accounts(150))
    tries = iter(range(1000))
    server.before_query = lambda: server.misbehave(wrong) if next(tries) in (1, 2) else None
    assert counts(tenant.pull(server, timeout=0.3)) == [(150, 150, 0, 0)]


def test_a_system_that_stays_busy_ends_the_pull_and_what_came_before_has_landed(
    tenant: Tenant, server: FxiaokeServer
) -> None:
    fill(server, accounts(250))
    asked = iter(range(1000))
    server.before_query = lambda: (
        server.misbehave(Misbehaving(code=-1, message="系统繁忙")) if next(asked) >= 2 else None
    )
    with pytest.raises(SourceUnavailable, match=r"3 tries; the last time it answered with error -1, 系统繁忙"):
        tenant.pull(server, rows=150)
    assert [batch.new for batch in tenant.manifest.batches] == [150, 49]
    server.before_query = lambda: None
    tenant.pull(server, now=NOW + HOUR)
    assert len(tenant.newest()) == 250


@pytest.fixture
def interruptible() -> Iterator[None]:
    """An interrupt raises KeyboardInterrupt, also in a test process of pytest-xdist, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_kill_in_the_middle_costs_one_part_at_most(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(450))
    asked = iter(range(1000))
    server.before_query = lambda: os.kill(os.getpid(), signal.SIGINT) if next(asked) == 3 else None
    with pytest.raises(KeyboardInterrupt):
        tenant.pull(server, rows=100)
    assert [batch.new for batch in tenant.manifest.batches] == [100, 100]
    server.queries.clear()
    assert counts(tenant.pull(server, rows=100, now=NOW + HOUR)) == [
        (100, 100, 0, 0),
        (100, 100, 0, 0),
        (50, 50, 0, 0),
    ]
    assert len(tenant.newest()) == 450
    assert not list(tenant.paths.landing.rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda server: server.hidden_objects.add("AccountObj"),
            "Source crm, object AccountObj: error 320001.*Give the user",
        ),
        (lambda server: server.objects.pop("AccountObj"), "对象 AccountObj 不存在. See that object and modified_field"),
        (
            lambda server: server.misbehave(Misbehaving(code=42, message="不行。")),
            "object AccountObj: error 42, 不行\\.$",
        ),
        (lambda server: server.misbehave(Misbehaving(code=42)), "object AccountObj: error 42\\.$"),
    ],
)
def test_an_error_inside_200_is_named_with_its_cure(
    tenant: Tenant, server: FxiaokeServer, change: Any, words: str
) -> None:
    fill(server, accounts(1))
    change(server)
    with pytest.raises(SourceError, match=words):
        tenant.pull(server)
    assert len(server.queries) == 1


def test_a_field_that_is_no_time_of_change_is_named(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(1))
    wrong = SOURCE.replace("rows_per_batch: {rows}", "modified_field: modified_at")
    with pytest.raises(SourceError, match=r"字段 modified_at 不存在. See that object and modified_field"):
        tenant.pull(server, sources=wrong)
    server.objects["AccountObj"].clear()
    server.write("AccountObj", {**account(2, NOW - DAY), "last_modified_time": 5})
    server.objects["AccountObj"][account(2, NOW)["_id"]]["last_modified_time"] = True
    with pytest.raises(SourceError, match="last_modified_time is no time in milliseconds in every record"):
        tenant.pull(server)


def test_records_in_another_order_than_asked_are_not_trusted(server: FxiaokeServer, tmp_path: Path) -> None:
    wrong = {"errorCode": 0, "data": {"dataList": [account(1, NOW - HOUR), account(2, NOW - DAY)]}}
    server.misbehave(*[Misbehaving(body=json.dumps(wrong).encode())] * 3)
    with pytest.raises(SourceUnavailable, match="not those asked for, in ascending order of last_modified_time"):
        parts(server, tmp_path)


STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    "",
    "20016",
    "\ud83d",
    "１２３",
    [],
    [[]],
    {},
    {"_id": 1},
    [None, {}],
)


def mangled(value: Any, draw: random.Random) -> Any:
    """The value with one thing in it replaced or taken out."""
    if not isinstance(value, dict | list) or not value or draw.random() < 0.2:
        return draw.choice(STRANGE)
    place = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if draw.random() < 0.2:
        return (
            [item for at, item in enumerate(value) if at != place]
            if isinstance(value, list)
            else ({key: item for key, item in value.items() if key != place})
        )
    changed: Any = value.copy()
    changed[place] = mangled(value[place], draw)
    return changed


def test_no_mangled_answer_ends_otherwise_than_in_records_or_a_named_error(
    server: FxiaokeServer, tmp_path: Path
) -> None:
    draw = random.Random(11)  # noqa: S311
    whole = {
        "errorCode": 0,
        "errorMessage": "OK",
        "data": {"dataList": [full(each) for each in accounts(2)], "total": 2},
    }
    messages: list[str] = []
    for number in range(40):
        text = json.dumps(mangled(whole, draw))
        if number % 5 == 0:
            text = text[: draw.randrange(len(text))]
        server.misbehave(Misbehaving(body=text.encode()))
        try:
            for part in given_parts(server, tmp_path, attempts=1, secrets=server.secrets("crm", by_mobile=False)):
                Kept().land(part)
        except SourceError as error:
            messages.append(str(error))
    assert 10 < len(messages) < 35
    assert all(message.startswith("Source crm, object AccountObj: ") for message in messages)


# -- secrets and persons ---------------------------------------------------------------------------------------------


def test_no_secret_and_no_personal_value_is_in_any_message(
    tenant: Tenant, server: FxiaokeServer, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(server, [account(1, NOW - DAY, tel="13912345678")])
    said: list[str] = []
    configured = tenant.configured(server)
    echoes = (
        f"secret {APP['appSecret']} {APP['permanentCode']} {APP['appId']} of {CORPORATION}",
        f"user {USER}, mobile {MOBILE}, token {{token}}, record 13912345678 li@example.com",
    )
    for echo in echoes:
        for code in (42, -1):
            server.misbehave(*[Misbehaving(code=code, message=echo)] * 3)
            with pytest.raises(SourceError) as caught:
                land(configured, now=NOW, say=said.append)
            said.append(str(caught.value))
    server.mobile = "13700000000"
    with pytest.raises(SourceError, match="no user has the mobile number in STRATA_CRM_USER_MOBILE") as caught:
        land(configured, now=NOW, say=said.append)
    said.append(str(caught.value))
    wrong = Secrets({**configured.environment.secrets.variables, "STRATA_CRM_APP_SECRET": SecretStr("mistaken-9d")})
    misled = replace(configured, environment=replace(configured.environment, secrets=wrong))
    with pytest.raises(
        SourceError, match=r"no token: error 10003, appSecret … 不正确. See STRATA_CRM_APP_ID"
    ) as caught:
        land(misled, now=NOW, say=said.append)
    said.append(str(caught.value))
    shown = "\n".join(said) + capfd.readouterr().out
    hidden = (
        *APP.values(),
        CORPORATION,
        USER,
        MOBILE,
        "corp-access-token",
        "13912345678",
        "li@example.com",
        "mistaken-9d",
    )
    assert not [value for value in hidden if value in shown]


def test_secrets_are_asked_for_by_the_variable_that_holds_them(tenant: Tenant, server: FxiaokeServer) -> None:
    configured = tenant.configured(server)
    for name, words in (
        ("APP_SECRET", "needs its app secret: set STRATA_CRM_APP_SECRET"),
        ("USER_MOBILE", "set STRATA_CRM_USER_MOBILE to the mobile number of one, or STRATA_CRM_OPEN_USER_ID"),
    ):
        kept = {key: value for key, value in server.secrets("crm").variables.items() if key != f"STRATA_CRM_{name}"}
        lacking = replace(configured, environment=replace(configured.environment, secrets=Secrets(kept)))
        with pytest.raises(SettingsError, match=words):
            land(lacking, now=NOW)


def test_an_open_user_id_saves_looking_the_user_up(server: FxiaokeServer, tmp_path: Path) -> None:
    server.mobile = "nobody"
    fill(server, accounts(1))
    known = server.secrets("crm", by_mobile=False)
    assert parts(server, tmp_path, secrets=known)[0].row_count == 1
    gone = Secrets({**known.variables, "STRATA_CRM_OPEN_USER_ID": SecretStr("FSUID_LEFT")})
    with pytest.raises(SourceError, match="the user that it is asked as: see STRATA_CRM_OPEN_USER_ID"):
        parts(server, tmp_path, secrets=gone)


def test_nobody_else_may_read_what_is_spooled(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(150))
    seen: list[int] = []

    def look() -> None:
        for spooled in tenant.paths.landing.rglob("*.jsonl"):
            folders = [folder for folder in spooled.parents if folder.is_relative_to(tenant.paths.landing)]
            seen.append(min(stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (spooled, *folders)))

    server.before_query = look
    tenant.pull(server)
    assert seen
    assert set(seen) == {0}


# -- checking and settings -------------------------------------------------------------------------------------------


def test_a_check_reads_a_sample_and_no_more(tenant: Tenant, server: FxiaokeServer) -> None:
    fill(server, accounts(950))
    [inspected] = inspect_reads(tenant.configured(server), now=NOW)
    assert inspected.problem is None
    assert inspected.counts is not None
    assert (inspected.counts.read, len(server.queries)) == (200, 3)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("object: AccountObj", "object: Account", "there is no 'Account'; did you mean 'AccountObj'?"),
        ("object: AccountObj", "object: SalesOrder", "did you mean 'SalesOrderObj'?"),
        ("{from: create_time, formats: epoch_ms}", "create_time", "write {from: create_time, formats: epoch_ms}"),
        ("rows_per_batch: 9", "compare_keys_days: 0", "greater than or equal to 1"),
        ("customer_ref: _id", "customer_ref: name", "what is compared is _id, so customer_ref must be one column"),
        ("[owner__r.name, owner.0]", "owner", "owner is a list of ids in every record: write owner.0 for the first"),
        ("url: http://127.0.0.1", "url: http://crm.example.com", "must begin with https://"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_with_its_cure(
    tenant: Tenant, before: str, after: str, words: str
) -> None:
    text = SOURCE.format(url="http://127.0.0.1", object="AccountObj", rows=9, timeout=1)
    text = text if "rows_per_batch" in before else text.replace("rows_per_batch: 9", "compare_keys_days: 7")
    assert before in text
    with pytest.raises(SettingsError, match=re.escape(words)):
        tenant.settings(text.replace(before, after))


# -- helpers ---------------------------------------------------------------------------------------------------------


def parts(server: FxiaokeServer, folder: Path, **asked: Any) -> list[Part]:
    """What one pull of accounts gives."""
    return list(given_parts(server, folder, **asked))


def given_parts(
    server: FxiaokeServer,
    folder: Path,
    *,
    now: datetime = NOW,
    rows: int = 60,
    since: str | None = None,
    secrets: Secrets | None = None,
    attempts: int = 3,
) -> Iterator[Part]:
    read = {"entity": "customers", "object": "AccountObj", "rows_per_batch": rows, "columns": {"customer_ref": "_id"}}
    source = FxiaokeSource.model_validate(
        {
            "name": "crm",
            "kind": "fxiaoke",
            "url": server.url,
            "http": {"attempts": attempts, "longest_wait_seconds": 0},
            "reads": [read],
        }
    )
    asked = Pull(
        since=since,
        wanted=("_id",),
        key="_id",
        now=now,
        folder=folder,
        secrets=secrets or server.secrets("crm"),
        say=lambda _: None,
    )
    return pull_object(source, source.reads[0], asked)


def lines(part: Part) -> list[Record]:
    return [json.loads(line) for line in part.file.path.read_text(encoding="utf-8").splitlines()]
