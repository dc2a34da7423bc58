"""Mutated files and answers: none crashes landing, and every row read is in a batch or in quarantine.

A share of them runs with every test run; STRATA_MUTATIONS=10000 (`make fuzz`) asks for all.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fxiaoke_server import FxiaokeServer, milliseconds
from fxiaoke_server import Misbehaving as spoilt_by_fxiaoke
from landing_workshop import NOW, Workshop
from mutations import CURSED, CURSED_JSON, Mutator, Spoilt
from zoho_server import Misbehaving as spoilt_by_zoho
from zoho_server import ZohoServer, zoho_time

from dagster_project.errors import StrataError
from dagster_project.landing import land
from dagster_project.settings import Settings
from dagster_project.settings.environment import Secrets

MUTATIONS = int(os.environ.get("STRATA_MUTATIONS", "60"))
SHARES = {"csv": 0.4, "excel": 0.15, "json": 0.15, "jsonl": 0.1, "fxiaoke": 0.1, "zoho": 0.1}
PIECES = 4  # a piece is a test of its own, so that several processes share the work
SECRET = "a-word-that-nobody-may-see"
READS = {
    "orders": """
      - entity: orders
        path: "inbox/orders.*"
        columns:
          order_id: no
          customer_ref: [who, buyer]
          ordered_at: {from: at, formats: [iso, excel, epoch_ms, "%d/%m/%Y %H:%M"]}
          gross_amount: OPTION
          updated_at: changed
          status: {from: state, values: {ok: completed, "off": cancelled, "": pending}}
""",
    "customers": """
      - entity: customers
        path: "inbox/orders.*"
        where: {note: {not_equals: a gift}}
        links: {shop: phone}
        columns:
          customer_ref: who
          phone: phone
          name: note
          registered_on: {from: at, formats: [iso, excel]}
          updated_at: changed
          competitor_closeness: {from: total, number: {divide_by: 100}}
""",
    "lines": """
      - entity: order_lines
        orders: from lines
        path: "inbox/orders.*"
        columns: {order_id: no, customer_ref: who, ordered_at: at, line_amount: total, product_id: state}
""",
}
OPTIONS = ("total", '{from: [total.amount, total], number: {decimal: "."}}', "{sum_of: [total]}", "total")
FORMS = ("", "decimal: '.'", "decimal: ','", "encoding: utf-8", "delimiter: ','", "header_row: 2", "format: csv")


@pytest.fixture(scope="module")
def fxiaoke() -> Iterator[FxiaokeServer]:
    with FxiaokeServer({}) as server:
        yield server


@pytest.fixture(scope="module")
def zoho() -> Iterator[ZohoServer]:
    with ZohoServer({}) as server:
        yield server


def seeds(kind: str, piece: int) -> range:
    """The seeds of a piece: other ones for every kind, the same in every run."""
    first = 1_000_000 * list(SHARES).index(kind)
    return range(first + piece, first + round(MUTATIONS * SHARES[kind]), PIECES)


@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.parametrize("kind", ["csv", "excel", "json", "jsonl"])
def test_a_mutated_file_is_refused_or_every_row_of_it_is_accounted_for(tmp_path: Path, kind: str, piece: int) -> None:
    for seed in seeds(kind, piece):
        workshop = Workshop(tmp_path / str(seed), hash_key=SECRET)
        workshop.root.mkdir()
        spoilt = Mutator(seed).spoil(kind)
        (workshop.inbox / spoilt.name).write_bytes(spoilt.content)
        settings = workshop.settings(f"  - name: shop\n    time_zone: UTC\n    reads:{mapping(seed, kind)}")
        check(workshop, settings, f"{kind} {seed}", spoilt)


def mapping(seed: int, kind: str) -> str:
    read = list(READS.values())[seed % 5 % 3].replace("OPTION", OPTIONS[seed % len(OPTIONS)])
    form = FORMS[seed // 7 % len(FORMS)] if kind == "csv" and seed % 3 == 0 else ""
    return read.replace("columns:", f"{form}\n        columns:", 1) if form else read


FXIAOKE = """
  - name: crm
    kind: fxiaoke
    url: {url}
    http: {{timeout_seconds: 5, attempts: 1, longest_wait_seconds: 0}}
    reads:
      - entity: opportunities
        object: NewOpportunityObj
        columns:
          opportunity_id: _id
          customer_ref: [account_id, account_id__r.id]
          amount: amount
          status: {{from: sales_status, values: {{进行中: open, 赢单: won, 输单: lost}}}}
          stage: owner.0
          created_at: {{from: create_time, formats: epoch_ms}}
          updated_at: {{from: last_modified_time, formats: epoch_ms}}
"""
ZOHO = """
    reads:
      - entity: opportunities
        module: Deals
        full_load: pages
        columns:
          opportunity_id: id
          customer_ref: Account_Name.id
          status: {from: Stage, values: {Closed Won: won, Closed Lost: lost, "*": open}}
          stage: Stage
          amount: Amount
          expected_close_on: Closing_Date
          updated_at: Modified_Time
"""


@pytest.mark.parametrize("piece", range(PIECES))
def test_a_mutated_answer_of_fxiaoke_is_refused_or_every_record_is_accounted_for(
    tmp_path: Path, fxiaoke: FxiaokeServer, piece: int
) -> None:
    for seed in seeds("fxiaoke", piece):
        mutator = Mutator(seed)
        deals = [fxiaoke_deal(seed, number) for number in range(1 + seed % 7)]
        fxiaoke.become_new(
            {"NewOpportunityObj": [mutated(mutator, each, ("_id", "last_modified_time")) for each in deals]}
        )
        # Every third tenant has odd records, the others' server answers oddly.
        if seed % 3:
            page = {"dataList": [{**each, "total_num": len(deals)} for each in deals], "offset": 0, "limit": 100}
            answer = {"errorCode": 0, "errorMessage": "OK", "data": page}
            fxiaoke.misbehave(spoilt_by_fxiaoke(body=mutator.spoilt_body(answer)))
        check_pull(tmp_path, FXIAOKE.format(url=fxiaoke.url), fxiaoke.secrets("crm"), seed, len(deals))


@pytest.mark.parametrize("piece", range(PIECES))
def test_a_mutated_answer_of_zoho_is_refused_or_every_record_is_accounted_for(
    tmp_path: Path, zoho: ZohoServer, piece: int
) -> None:
    for seed in seeds("zoho", piece):
        mutator = Mutator(seed)
        deals = [zoho_deal(seed, number) for number in range(1 + seed % 7)]
        zoho.become_new({"Deals": [mutated(mutator, each, ("id", "Modified_Time")) for each in deals]})
        zoho.gives_tokens = bool(seed % 2)
        if seed % 3:
            info = {"per_page": 200, "count": len(deals), "page": 1, "more_records": False, "next_page_token": None}
            answers = [{"data": deals, "info": info}, {"count": len(deals)}, {"data": deals, "info": info}]
            zoho.misbehave(*(spoilt_by_zoho(body=mutator.spoilt_body(each)) for each in answers[: 1 + seed % 2]))
        sources = zoho.settings("crm").replace("attempts: 3", "attempts: 1") + ZOHO
        check_pull(tmp_path, sources, zoho.secrets("crm"), seed, len(deals))


def check_pull(folder: Path, sources: str, secrets: Secrets, seed: int, records: int) -> None:
    workshop = Workshop(folder / str(seed), hash_key=SECRET)
    workshop.root.mkdir()
    settings = workshop.settings(sources)
    settings = replace(settings, environment=replace(settings.environment, secrets=secrets))
    told = records if seed % 3 == 0 else None
    check(workshop, settings, f"{settings.sources.sources[0].kind} {seed}", Spoilt("", b"", told))


def fxiaoke_deal(seed: int, number: int) -> dict[str, Any]:
    return {
        "_id": f"65e1a2b3c4d5{seed:08x}{number:04x}",
        "account_id": "65e1a2b3c4d5e6f700000001",
        "amount": "1200.50",
        "sales_status": "进行中",
        "owner": ["1007"],
        "create_time": milliseconds(NOW) - 86_400_000 * (number + 2),
        "last_modified_time": milliseconds(NOW) - 3_600_000 * (number + 2),
    }


def zoho_deal(seed: int, number: int) -> dict[str, Any]:
    return {
        "id": f"4970762{seed:09}{number:03}",
        "Account_Name": {"name": "A Company", "id": "4970762000000000001"},
        "Stage": "Closed Won",
        "Amount": 1200.5,
        "Closing_Date": "2024-02-29",
        "Modified_Time": zoho_time(NOW - timedelta(hours=number + 2)),
    }


def mutated(mutator: Mutator, whole: dict[str, Any], kept: Sequence[str]) -> dict[str, Any]:
    """A record with any field spoilt but those that the server itself needs to answer."""
    sound = [value for value in CURSED_JSON if not (isinstance(value, str) and not value.isprintable())]
    return {**mutator.spoilt_record(whole, [*sound, *CURSED]), **{name: whole[name] for name in kept}}


def check(workshop: Workshop, settings: Settings, what: str, spoilt: Spoilt) -> None:
    """Land what lies there, and find every row of it again."""
    refusal: str | None = None
    try:
        land(settings, now=NOW)
    except StrataError as error:
        refusal = str(error)
    except Exception:
        pytest.fail(f"{what} crashes\n{traceback.format_exc()}")
    assert refusal is None or refusal.strip(), what
    assert SECRET not in (refusal or ""), what
    # What is refused after a part of a pull has landed leaves that part.
    landed = [batch for batch in workshop.manifest.batches if not batch.is_derived]
    assert landed or refusal, what
    for batch in landed:
        assert batch.rows_read == batch.accepted + batch.rejected, what
        assert batch.accepted == batch.new + batch.changed + batch.unchanged, what
        stored = numbers(workshop, batch.path)
        refused = numbers(workshop, batch.quarantine_path)
        assert len(stored) == batch.new + batch.changed, what
        assert len(refused) == batch.rejected, what
        assert len({*stored, *refused}) == len(stored) + len(refused), what
        assert set(stored) | set(refused) <= set(range(1, max([*stored, *refused, batch.rows_read]) + 1)), what
    if spoilt.records is not None and refusal is None:
        assert sum(batch.rows_read for batch in landed) == spoilt.records, what
    shutil.rmtree(workshop.root)


def numbers(workshop: Workshop, path: str | None) -> list[int]:
    """The row numbers in one of landing's files."""
    if path is None:
        return []
    found: list[int] = pq.read_table(workshop.paths.landing / path, columns=["row_number"])["row_number"].to_pylist()
    return found
