"""A Zoho CRM is pulled without losing, doubling or showing anything, from a server that keeps its API's rules."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from landing_workshop import NOW, Workshop
from pydantic import SecretStr
from zoho_server import CLIENT, Asked, Misbehaving, ZohoServer, zoho_time

from dagster_project.errors import SettingsError, StrataError
from dagster_project.landing import LandingResult, land
from dagster_project.landing.check import inspect_reads
from dagster_project.landing.intake import mappings
from dagster_project.landing.pulled import pull_of
from dagster_project.settings import Environment, Settings
from dagster_project.settings.environment import Secrets
from dagster_project.sources.files import SourceError
from dagster_project.sources.pulling import SourceUnavailable, pull
from dagster_project.sources.zoho_crm import asking, bulk_read, modules, paging

T0 = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DEALS = """
    reads:
      - entity: opportunities
        module: Deals
        {options}
        columns:
          opportunity_id: id
          customer_ref: Account_Name.id
          status: {{from: Stage, values: {{Closed Won: won, Closed Lost: lost, "*": open}}}}
          stage: Stage
          amount: Amount
          updated_at: Modified_Time
"""


class Shop:
    """A company with its CRM and our installation."""

    def __init__(self, root: Path, crm: ZohoServer) -> None:
        self.workshop = Workshop(root)
        self.crm = crm
        self.said: list[str] = []

    def settings(self, reads: str, *, secrets: Secrets | None = None) -> Settings:
        settings = self.workshop.settings(self.crm.settings() + reads)
        held = self.crm.secrets() if secrets is None else secrets
        return replace(settings, environment=Environment(None, None, None, secrets=held))

    def land(self, reads: str | None = None, *, now: datetime = NOW, **options: str) -> LandingResult:
        reads = deals(**options) if reads is None else reads
        return land(self.settings(reads), now=now, say=self.said.append)

    def now_there(self) -> dict[str, tuple[Any, ...]]:
        """The newest landed version of each deal that is not deleted."""
        rows = self.workshop.rows(
            "select opportunity_id, stage, amount, is_deleted from opportunities qualify row_number() over ("
            "partition by opportunity_id order by updated_at desc, batch_sequence desc, row_number desc) = 1"
        )
        return {key: (stage, amount) for key, stage, amount, is_deleted in rows if not is_deleted}

    def in_the_crm(self) -> dict[str, tuple[Any, ...]]:
        return {key: (deal["Stage"], Decimal(str(deal["Amount"]))) for key, deal in self.crm.modules["Deals"].items()}

    @property
    def lists(self) -> list[Asked]:
        """Requests for lists of deals."""
        return [asked for asked in self.crm.asked if asked.path == "/v8/Deals"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    asking._tokens.clear()
    with ZohoServer({"Deals": []}) as crm:
        yield Shop(tmp_path, crm)


def deals(**options: str) -> str:
    return DEALS.format(options="\n        ".join(f"{name}: {value}" for name, value in options.items()))


def deal(number: int, at: datetime = T0, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"49707620000{number:08d}",
        "Deal_Name": f"Deal {number}",
        "Stage": "Qualification",
        "Amount": number + 0.5,
        "Account_Name": {"name": "Chanay (Sample)", "id": "4970762000000335090"},
        "Modified_Time": zoho_time(at),
        **fields,
    }


def fill(shop: Shop, count: int, *, every: timedelta = timedelta(seconds=7), at: datetime = T0) -> None:
    shop.crm.become_new({"Deals": [deal(number, at + number * every) for number in range(count)]})


def test_a_first_pull_lands_every_record_and_the_next_ones_only_what_changed(shop: Shop) -> None:
    fill(shop, 450)
    assert [read.note for read in shop.land().reads if read.note] == []
    assert shop.now_there() == shop.in_the_crm()
    assert shop.workshop.rows(
        "select customer_ref, status, amount, updated_at from opportunities where opportunity_id like '%0002'"
    ) == [("4970762000000335090", "open", Decimal("2.50"), T0 + timedelta(seconds=14))]
    shop.crm.asked.clear()
    assert [read.note for read in shop.land().reads] == ["nothing new"]
    assert [asked.path for asked in shop.crm.asked] == ["/v8/Deals", "/v8/Deals/deleted"]
    later = T0 + timedelta(days=1)
    shop.crm.save("Deals", deal(3, later, Stage="Closed Won"))
    shop.crm.save("Deals", deal(900, later))
    [landed] = shop.land().reads
    assert [(batch.rows_read, batch.new, batch.changed) for batch in landed.batches] == [(2, 1, 1)]
    assert shop.now_there() == shop.in_the_crm()


def test_a_pull_asks_only_for_the_fields_that_are_mapped_and_begins_two_minutes_before_the_newest_change(
    shop: Shop,
) -> None:
    shop.crm.save("Deals", deal(1, T0))
    shop.land()
    shop.land()
    assert {asked.query["fields"] for asked in shop.lists} == {"Account_Name,Stage,Amount,Modified_Time"}
    assert [asked.since for asked in shop.lists] == [None, "2026-03-01T07:58:00+00:00"]


def test_a_record_that_shows_up_late_is_found_by_the_overlap(shop: Shop) -> None:
    shop.crm.save("Deals", deal(1, T0))
    shop.land()
    shop.crm.save("Deals", deal(2, T0 - timedelta(seconds=90)))
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_a_record_that_a_rule_changes_again_in_the_same_second_is_not_taken_for_known(shop: Shop) -> None:
    shop.crm.save("Deals", deal(1))
    shop.land()
    shop.crm.save("Deals", deal(1, Stage="Closed Won"))
    shop.land()
    assert shop.now_there() == shop.in_the_crm()
    assert [read.note for read in shop.land().reads] == ["nothing new"]


@pytest.mark.parametrize("since_includes_its_second", [True, False])
@pytest.mark.parametrize("every", [timedelta(seconds=3), timedelta(seconds=0), timedelta(milliseconds=4)])
def test_more_than_2000_records_come_whole_however_they_lie_in_time(
    shop: Shop, every: timedelta, since_includes_its_second: bool
) -> None:
    fill(shop, 2_300, every=every)
    shop.crm.since_includes_its_second = since_includes_its_second
    shop.land()
    assert shop.now_there() == shop.in_the_crm()
    assert shop.workshop.rows("select count(*) from opportunities") == [(2_300,)]


def test_records_of_one_second_beyond_the_numbered_pages_are_refused_clearly_where_zoho_gives_no_token(
    shop: Shop,
) -> None:
    fill(shop, 2_300, every=timedelta(0))
    shop.crm.gives_tokens = False
    with pytest.raises(SourceError, match="Zoho gave no token for the records beyond 2,000"):
        shop.land(rows_per_batch="1000")
    assert len(shop.now_there()) == 2_000
    shop.crm.gives_tokens = True
    shop.land(rows_per_batch="1000")
    assert shop.now_there() == shop.in_the_crm()


def test_more_than_50_fields_are_asked_for_in_turns_and_joined(shop: Shop) -> None:
    fields = {f"Field_{number:03d}": f"value {number}" for number in range(120)}
    shop.crm.save("Deals", {**deal(1), **fields})
    shop.crm.save("Deals", {**deal(2), **dict.fromkeys(fields, "other")})
    wanted = "\n".join(f"          {name}: {{present: true}}" for name in fields)
    shop.land(deals().replace("        columns:", f"        where:\n{wanted}\n        columns:"))
    assert shop.workshop.rows("select count(*) from opportunities") == [(2,)]
    assert [len(asked.query["fields"].split(",")) for asked in shop.lists] == [50, 50, 26]


def test_a_record_that_changes_between_its_fields_is_not_put_together_from_two_states(shop: Shop) -> None:
    fields = {f"Field_{number:03d}": "old" for number in range(60)}
    for number in range(3):
        shop.crm.save("Deals", {**deal(number, T0 + timedelta(seconds=number)), **fields})

    def change(asked: Asked) -> None:
        if asked.path == "/v8/Deals" and len(shop.lists) == 2:
            new = dict.fromkeys(fields, "new")
            shop.crm.save("Deals", {**deal(1, T0 + timedelta(hours=1), Stage="new"), **new})

    shop.crm.before_request = change
    wanted = "\n".join(f"          {name}: {{in: [old, new]}}" for name in list(fields)[:-1])
    columns = "          customer_ref: Account_Name.id\n"
    mixed = deals().replace("        columns:", f"        where:\n{wanted}\n        columns:")
    shop.land(mixed.replace(columns, "          customer_ref: Field_059\n"))
    rows = shop.workshop.rows("select stage, customer_ref from opportunities order by opportunity_id")
    assert rows == [("Qualification", "old"), ("new", "new"), ("Qualification", "old")]


def test_records_that_change_faster_than_they_can_be_read_end_the_pull(shop: Shop) -> None:
    fields = {f"Field_{number:03d}": "old" for number in range(60)}
    shop.crm.save("Deals", {**deal(1), **fields})
    shop.crm.before_request = lambda _: shop.crm.save("Deals", deal(1, T0 + timedelta(seconds=len(shop.crm.asked))))
    wanted = "\n".join(f"          {name}: {{present: true}}" for name in fields)
    with pytest.raises(SourceUnavailable, match="records change faster than their 65 fields can be read"):
        shop.land(deals().replace("        columns:", f"        where:\n{wanted}\n        columns:"))


def test_deleted_records_land_as_deleted_and_come_back_when_they_are_restored(shop: Shop) -> None:
    fill(shop, 4)
    shop.land()
    shop.crm.delete("Deals", deal(1)["id"], T0 + timedelta(hours=1))
    shop.crm.delete("Deals", deal(2)["id"], T0 + timedelta(hours=2), permanently=True)
    [landed] = shop.land().reads
    assert [batch.new + batch.changed for batch in landed.batches] == [2]
    assert shop.now_there() == shop.in_the_crm()
    assert shop.workshop.rows(
        "select opportunity_id[-1:], stage, updated_at from opportunities where is_deleted order by all"
    ) == [
        ("1", "Qualification", T0 + timedelta(hours=1)),
        ("2", "Qualification", T0 + timedelta(hours=2)),
    ]
    assert [read.note for read in shop.land().reads] == ["nothing new"]
    shop.crm.restore("Deals", deal(1)["id"], T0 + timedelta(hours=3))
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_what_was_deleted_while_the_mapping_was_another_is_found_when_all_is_pulled_anew(shop: Shop) -> None:
    fill(shop, 4)
    shop.land()
    shop.crm.delete("Deals", deal(1)["id"], T0 + timedelta(hours=1))
    shop.land(deals().replace("          amount: Amount\n", ""))
    assert set(shop.now_there()) == set(shop.in_the_crm())


def test_hundreds_of_deletions_are_read_page_by_page(shop: Shop) -> None:
    fill(shop, 500)
    shop.land()
    for number in range(450):
        shop.crm.delete("Deals", deal(number)["id"], T0 + timedelta(hours=1, seconds=number))
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_deletions_are_not_asked_for_where_the_read_does_not_want_them(shop: Shop) -> None:
    fill(shop, 4)
    shop.land(deleted="false")
    assert [asked.path for asked in shop.crm.asked] == ["/v8/Deals/actions/count", "/v8/Deals"]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_while_others_change_records_at_every_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(paging, "PAGE_SIZE", 10)
    chance = random.Random(seed)  # noqa: S311
    # Some 40 records a second: more than a page, so that pages have to be turned. What is lost is not found by the
    # overlap of the next pull: by then the newest change is an hour later.
    fill(shop, 120, every=timedelta(milliseconds=25))
    clock = [T0 + timedelta(hours=1)]

    def live(_: Asked) -> None:
        clock[0] += timedelta(seconds=chance.choice((0, 0, 1)))
        there = sorted(shop.crm.modules["Deals"])
        for _ in range(chance.randrange(3)):
            match chance.randrange(4):
                case 0:
                    shop.crm.save("Deals", deal(chance.randrange(200, 10_000), clock[0]))
                case 1 if there:
                    gone = there.pop(chance.randrange(len(there)))
                    shop.crm.delete("Deals", gone, clock[0])
                case _ if there:
                    stage = f"Stage {chance.randrange(1_000)}"
                    changed = shop.crm.modules["Deals"][chance.choice(there)]
                    shop.crm.save("Deals", {**changed, "Stage": stage, "Modified_Time": zoho_time(clock[0])})

    shop.crm.before_request = live
    for _ in range(2):
        shop.land(rows_per_batch="60")
    shop.crm.before_request = lambda _: None
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_a_pull_that_is_cut_off_goes_on_from_the_last_part_that_landed(shop: Shop) -> None:
    fill(shop, 1_000)
    shop.crm.misbehave(*[Misbehaving()] * 4, Misbehaving(403, "NO_PERMISSION"))
    with pytest.raises(SourceError, match="NO_PERMISSION"):
        shop.land(rows_per_batch="150")
    landed = len(shop.now_there())
    assert landed == 450
    shop.crm.asked.clear()
    shop.land(rows_per_batch="150")
    assert shop.now_there() == shop.in_the_crm()
    assert shop.workshop.rows("select count(*) from opportunities") == [(1_000,)]
    assert len(shop.lists) == 3  # 550 records and those of the overlap


def test_a_token_that_expires_in_the_middle_is_renewed_once(shop: Shop) -> None:
    fill(shop, 700)

    def expire(asked: Asked) -> None:
        if len(shop.lists) == 3:
            shop.crm.expire_tokens()

    shop.crm.before_request = expire
    shop.land()
    assert shop.now_there() == shop.in_the_crm()
    assert shop.crm.tokens_given == 2


def test_a_token_that_is_refused_again_at_once_ends_the_pull(shop: Shop) -> None:
    fill(shop, 1)
    shop.crm.before_request = lambda _: shop.crm.expire_tokens()
    with pytest.raises(SourceError, match=r"status 401 \(INVALID_TOKEN\)"):
        shop.land()
    assert shop.crm.tokens_given == 2


def test_all_reads_of_a_source_share_one_token(shop: Shop) -> None:
    """Zoho gives ten in ten minutes."""
    shop.crm.become_new({name: [deal(1)] for name in ("Deals", "Own_1", "Own_2")})
    others = [deals().replace("    reads:\n", "").replace("module: Deals", f"module: Own_{each}") for each in (1, 2)]
    reads = deals() + "".join(others)
    shop.land(reads)
    assert shop.crm.tokens_given == 1


@pytest.mark.parametrize(
    "way",
    [
        Misbehaving(429, "TOO_MANY_REQUESTS"),
        Misbehaving(500, "INTERNAL_ERROR"),
        Misbehaving(502),
        Misbehaving(is_cut_short=True),
        Misbehaving(body=b'{"data": [{"id": "4970'),
        Misbehaving(body=b"<html>maintenance</html>"),
        Misbehaving(body=b"{}"),
        Misbehaving(body=b'{"data": {"id": "1"}}'),
        Misbehaving(body=b'{"data": [17]}'),
        Misbehaving(body=b'{"data": [], "info": []}'),
    ],
    ids=lambda way: way.code or str(way.body or way.status),
)
def test_an_answer_that_goes_wrong_is_asked_for_again_and_ends_the_pull_only_when_it_stays_so(
    shop: Shop, way: Misbehaving
) -> None:
    fill(shop, 300)
    shop.crm.misbehave(Misbehaving(), way, way)
    shop.land()
    assert shop.now_there() == shop.in_the_crm()
    shop.crm.save("Deals", deal(999, T0 + timedelta(days=1)))
    shop.crm.misbehave(way, way, way)
    with pytest.raises(SourceUnavailable, match=r"gave no usable answer in 3 tries"):
        shop.land()
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_answers_spoiled_at_random_end_in_records_or_in_an_error_of_ours(shop: Shop, tmp_path: Path) -> None:
    settings = [shop.settings(deals(full_load=how)) for how in ("pages", "bulk")]
    for seed in range(60):
        fill(shop, 5)
        shop.crm.delete("Deals", deal(1)["id"], T0)
        chance = random.Random(seed)  # noqa: S311
        shop.crm.spoil = lambda content, chance=chance: _spoiled(content, chance)  # type: ignore[misc]
        [mapping] = mappings(settings[seed % 2])
        asked = pull_of(settings[seed % 2], mapping, since=None, now=NOW, folder=tmp_path)
        with suppress(StrataError):
            for part in pull(mapping.source, mapping.read, asked):
                assert part.file.path.exists()


def _spoiled(content: bytes, chance: random.Random) -> bytes:
    """The answer with values of other types and kinds in it, bytes changed or cut off; half the time as it is."""
    way = chance.randrange(8)
    if way < 4 or not content:
        return content
    if way == 4:
        return content[: chance.randrange(len(content))]
    if way == 5:
        at = chance.randrange(len(content))
        return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    values = [b"null", b"17", b"[]", b"{}", b'"x"', b"true", b"-1e400", b'"2026-01-01"', b'"\\ud800"', b'[{"id": "1"}]']
    places = [match.span(1) for match in re.finditer(rb': ("[^"]*"|\d+|true|false|null)', content)]
    if not places:
        return content
    start, end = chance.choice(places)
    return content[:start] + chance.choice(values) + content[end:]


def test_silence_ends_the_pull_after_the_time_out(shop: Shop) -> None:
    fill(shop, 3)
    reads = deals()
    settings = shop.settings(reads)
    [source] = settings.sources.sources
    quick = source.model_copy(
        update={"http": source.http.model_copy(update={"timeout_seconds": 0.2, "attempts": 2})}  # type: ignore[union-attr]
    )
    settings = replace(settings, sources=settings.sources.model_copy(update={"sources": (quick,)}))
    shop.crm.misbehave(Misbehaving(), *[Misbehaving(silent_seconds=0.5)] * 2)
    with pytest.raises(SourceUnavailable, match=r"it did not answer within 0\.2 s"):
        land(settings, now=NOW)


@pytest.mark.parametrize("records", [[{"id": "1"}], [deal(1), {**deal(2), "Modified_Time": "2026-01-01T00:00:00Z"}]])
def test_records_without_a_time_or_out_of_order_are_no_ground_to_go_on_from(shop: Shop, records: list[Any]) -> None:
    fill(shop, 3)
    shop.crm.misbehave(Misbehaving(), Misbehaving(body=json.dumps({"data": records, "info": {}}).encode()))
    with pytest.raises(SourceError, match=r"module Deals: records (came without id or|did not come in the order of)"):
        shop.land()


def test_few_credits_are_told_and_none_left_end_the_pull_at_once(shop: Shop) -> None:
    fill(shop, 300)
    shop.crm.credits_left = 640
    shop.land()
    assert shop.said == ["Source zoho: 640 API credits are left for these 24 hours"]
    shop.crm.asked.clear()
    shop.crm.misbehave(Misbehaving(429, "API_CREDITS_EXHAUSTED"))
    with pytest.raises(SourceError, match="the API credits of these 24 hours are used up"):
        shop.land()
    assert len(shop.crm.asked) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda crm: crm.modules.pop("Deals"), "there is no such module in this CRM"),
        (lambda crm: setattr(crm, "tokens_given", 10), "It gives ten tokens in ten minutes"),
    ],
)
def test_what_zoho_refuses_is_told_with_its_cure(shop: Shop, change: Callable[[ZohoServer], Any], reason: str) -> None:
    change(shop.crm)
    with pytest.raises(SourceError, match=f"^Source zoho, module Deals: .*{reason}"):
        shop.land()


def test_a_refresh_token_that_is_refused_is_told_without_showing_it(shop: Shop) -> None:
    wrong = {**shop.crm.variables(), "STRATA_ZOHO_REFRESH_TOKEN": "1000.revoked-77c1"}
    secrets = Secrets({name: SecretStr(value) for name, value in wrong.items()})
    with pytest.raises(
        SourceError, match=r"gives no access token: invalid_code\. Check client id.*data_center eu"
    ) as told:
        land(shop.settings(deals(), secrets=secrets), now=NOW)
    assert "revoked" not in str(told.value)


def test_a_missing_scope_is_told_with_the_scopes(shop: Shop) -> None:
    fill(shop, 3)
    shop.crm.misbehave(Misbehaving(401, "OAUTH_SCOPE_MISMATCH"), Misbehaving(401, "OAUTH_SCOPE_MISMATCH"))
    with pytest.raises(SourceError, match=r"without a scope.*ZohoCRM\.modules\.READ"):
        shop.land()


def test_a_module_that_does_not_list_its_deletions_says_how_to_do_without(shop: Shop) -> None:
    fill(shop, 3)
    shop.crm.misbehave(Misbehaving(), Misbehaving(), Misbehaving(400, "NOT_SUPPORTED"))
    with pytest.raises(SourceError, match=r"does not list the deleted records.*Set deleted: false"):
        shop.land()
    shop.land(deleted="false")
    assert shop.now_there() == shop.in_the_crm()


def test_a_field_that_the_module_does_not_have_is_named_with_its_column_and_the_closest_one(shop: Shop) -> None:
    fill(shop, 3)
    wrong = deals().replace("amount: Amount", "amount: Amonut")
    with pytest.raises(SourceError, match=r"columns\.amount: the module has no field 'Amonut'; did you mean 'Amount'"):
        shop.land(wrong)
    shop.crm.refuses_unknown_fields = True
    with pytest.raises(SourceError, match=r"module Deals: the module has no field 'Amonut'\. Mend the mapping\."):
        shop.land(wrong)


def test_an_account_of_another_data_center_is_told_which(shop: Shop) -> None:
    shop.crm.api_domain = "https://www.zohoapis.in"
    settings = shop.settings(deals())
    [source] = settings.sources.sources
    settings = replace(
        settings,
        sources=settings.sources.model_copy(update={"sources": (source.model_copy(update={"api_url": None}),)}),
    )
    with pytest.raises(SourceError, match="not kept in data_center eu; write data_center: in"):
        land(settings, now=NOW)


def test_lookups_that_are_empty_in_every_record_are_no_missing_columns(shop: Shop) -> None:
    shop.crm.save("Deals", deal(1, Account_Name=None))
    shop.land()
    assert shop.workshop.rows("select customer_ref from opportunities") == [(None,)]


def test_strata_check_reads_one_page_and_nothing_more(shop: Shop) -> None:
    fill(shop, 450)
    [found] = inspect_reads(shop.settings(deals()), now=NOW)
    assert (found.problem, found.counts.read if found.counts else None) == (None, 200)
    assert [asked.path for asked in shop.crm.asked] == ["/v8/Deals"]


@pytest.mark.parametrize("lookup_heading", ["{}", "{}.id"])
def test_jobs_and_pages_give_the_same_rows(shop: Shop, tmp_path: Path, lookup_heading: str) -> None:
    fill(shop, 450)
    shop.crm.lookup_heading = lookup_heading
    shop.crm.save("Deals", deal(7, Account_Name=None, Stage='Closed\n"Won", 成交'))
    shop.crm.records_per_job = 200
    shop.land(full_load="bulk", rows_per_batch="120")
    by_jobs = "select opportunity_id, customer_ref, status, stage, amount, updated_at from opportunities order by all"
    assert len(shop.crm.jobs) == 3
    other = Shop(tmp_path / "pages", shop.crm)
    (tmp_path / "pages").mkdir()
    other.land(full_load="pages")
    assert shop.workshop.rows(by_jobs) == other.workshop.rows(by_jobs)
    assert shop.now_there() == shop.in_the_crm()


@pytest.mark.parametrize("gives_tokens", [True, False])
def test_what_changes_while_jobs_run_is_read_by_pages_from_their_beginning_on(shop: Shop, gives_tokens: bool) -> None:
    fill(shop, 30)
    shop.crm.gives_tokens = gives_tokens
    shop.crm.records_per_job = 10

    def change(asked: Asked) -> None:
        now = datetime.now(UTC)
        if asked.path.endswith("/result"):
            shop.crm.save("Deals", deal(len(shop.crm.jobs), now, Stage=f"Changed {len(shop.crm.jobs)}"))

    shop.crm.before_request = change
    shop.land(full_load="bulk")
    assert shop.now_there() == shop.in_the_crm()
    assert [stage for stage, _ in shop.now_there().values() if stage.startswith("Changed")] != []


def test_a_job_is_chosen_where_it_costs_fewer_credits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modules, "WORTH_A_JOB", 100)
    fill(shop, 99)
    shop.land()
    assert shop.crm.jobs == []
    fill(shop, 100)
    names = deals().replace("customer_ref: Account_Name.id", "customer_ref: Account_Name.name")
    shop.land(names)
    assert shop.crm.jobs == []  # a job gives no names
    shop.land(deals().replace("stage: Stage", "stage: Deal_Name"))
    assert len(shop.crm.jobs) == 1


def test_a_result_that_is_no_whole_archive_is_downloaded_again(shop: Shop) -> None:
    fill(shop, 30)
    broken = Misbehaving(body=b"PK\x03\x04 cut")
    shop.crm.misbehave(*[Misbehaving()] * 3, broken, Misbehaving(is_cut_short=True))
    shop.land(full_load="bulk")
    assert shop.now_there() == shop.in_the_crm()


def test_a_job_that_fails_or_never_ends_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(shop, 3)
    failed = json.dumps({"data": [{"id": "0", "state": "FAILURE"}]}).encode()
    shop.crm.misbehave(Misbehaving(), Misbehaving(body=failed))
    with pytest.raises(SourceError, match=r"its Bulk Read job failed\. Set full_load: pages"):
        shop.land(full_load="bulk")
    monkeypatch.setattr(bulk_read, "MOST_QUESTIONS", 3)
    shop.crm.questions_before_a_job_is_done = 10
    with pytest.raises(SourceUnavailable, match="a Bulk Read job was not finished"):
        shop.land(full_load="bulk")


def test_a_job_with_fewer_records_than_it_says_ends_the_pull(shop: Shop) -> None:
    fill(shop, 3)

    def lose(asked: Asked) -> None:
        if asked.path.endswith("/result"):
            shop.crm.jobs[-1]["records"].pop()

    shop.crm.before_request = lose
    with pytest.raises(SourceUnavailable, match="holds 2 records where it should hold 3"):
        shop.land(full_load="bulk")
    shop.crm.before_request = lambda _: None
    shop.land(full_load="bulk")
    assert shop.now_there() == shop.in_the_crm()


def test_an_empty_module_lands_nothing_and_is_pulled_on(shop: Shop) -> None:
    shop.land()
    shop.land(full_load="bulk")
    assert shop.now_there() == {}
    shop.crm.save("Deals", deal(1))
    shop.land()
    assert shop.now_there() == shop.in_the_crm()


def test_no_secret_comes_into_an_error_a_log_or_what_is_kept(
    shop: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    fill(shop, 450)
    texts: list[str] = []
    ways = [Misbehaving(403, code=secret) for secret in CLIENT.values()]
    for way in (*ways, Misbehaving(500, "INTERNAL_ERROR"), Misbehaving(401, "INVALID_TOKEN")):
        shop.crm.misbehave(Misbehaving(), *[way] * 3)
        with pytest.raises(StrataError) as failed:
            shop.land(rows_per_batch="100")
        texts.append(repr(failed.value) + str(failed.value))
    shop.land(rows_per_batch="100")
    broken = Secrets({name: value for name, value in shop.crm.secrets().variables.items() if "REFRESH" not in name})
    with pytest.raises(SettingsError, match="STRATA_ZOHO_REFRESH_TOKEN") as missing:
        land(shop.settings(deals(), secrets=broken), now=NOW)
    texts.append(str(missing.value))
    shown = capfd.readouterr()
    texts += [caplog.text, shown.out, shown.err, *shop.said]
    landing = shop.workshop.paths.landing
    texts += [file.read_bytes().decode("latin-1") for file in landing.rglob("*") if file.is_file()]
    for secret in (*CLIENT.values(), *(f"1000.access-{number}" for number in range(1, 9))):
        assert not [text for text in texts if secret in text], secret
    assert not list((landing / "temporary").rglob("*.jsonl"))


def test_settings_that_cannot_be_meant_are_refused_with_their_cure(shop: Shop) -> None:
    text = shop.crm.settings() + deals()
    for wrong, right, reason in (
        ("data_center: eu", "data_center: germany", "'germany' is not one of us, eu, uk, in, cn, au, jp, ca, sa"),
        (f"api_url: {shop.crm.url}", "api_url: http://crm.example.com", "must begin with https://"),
        (f"api_url: {shop.crm.url}", "api_url: https://me:pw@crm.example.com", "neither user nor query"),
        ("module: Deals", "module: Deals\n        full_load: csv", "'csv' is not one of auto, pages, bulk"),
        ("Account_Name.id", "Account_Name.name\n        full_load: bulk", "map Account_Name.id, or write pages"),
        ("module: Deals", "module: Notes\n        full_load: bulk", "no Bulk Read of Notes"),
        ("opportunity_id: id", "opportunity_id: Deal_Name\n        deleted: true", "names deleted records by their id"),
    ):
        assert wrong in text
        # The last key of a mapping may follow the columns: YAML minds the indentation only.
        with pytest.raises(SettingsError, match=re.escape(reason)):
            shop.workshop.settings(_moved(text, wrong, right))


def _moved(text: str, wrong: str, right: str) -> str:
    """`text` with one setting changed; a further one, on a line of its own, goes before the columns."""
    changed, _, further = right.partition("\n")
    text = text.replace(wrong, changed)
    return text.replace("        columns:", f"{further}\n        columns:") if further else text
