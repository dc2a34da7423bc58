"""Mutated files and answers: none crashes landing, and every row read is in a batch or in quarantine.

A share of them runs with every test run; STRATA_MUTATIONS=10000 (`make fuzz`) asks for all.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fxiaoke_server import FxiaokeServer, Misbehaving, milliseconds
from landing_workshop import NOW, Workshop
from mutations import CURSED, CURSED_JSON, Mutator, Spoilt

from dagster_project.errors import StrataError
from dagster_project.landing import LandingResult, land
from dagster_project.settings import Settings

MUTATIONS = int(os.environ.get("STRATA_MUTATIONS", "120"))
SHARES = {"csv": 0.4, "excel": 0.15, "json": 0.15, "jsonl": 0.15, "fxiaoke": 0.15}
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


API = """
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


@pytest.mark.parametrize("piece", range(PIECES))
def test_a_mutated_answer_of_an_api_is_refused_or_every_record_is_accounted_for(
    tmp_path: Path, fxiaoke: FxiaokeServer, piece: int
) -> None:
    for seed in seeds("fxiaoke", piece):
        mutator = Mutator(seed)
        deals = [deal(seed, number) for number in range(1 + seed % 7)]
        fxiaoke.become_new({"NewOpportunityObj": [mutated_deal(mutator, each) for each in deals]})
        page = {"dataList": [{**each, "total_num": len(deals)} for each in deals], "offset": 0, "limit": 100}
        if seed % 3:
            answer = {"errorCode": 0, "errorMessage": "OK", "data": page}
            fxiaoke.misbehave(Misbehaving(body=mutator.spoilt_body(answer)))
        workshop = Workshop(tmp_path / str(seed), hash_key=SECRET)
        workshop.root.mkdir()
        settings = workshop.settings(API.format(url=fxiaoke.url))
        settings = replace(settings, environment=replace(settings.environment, secrets=fxiaoke.secrets("crm")))
        told = len({each["_id"] for each in fxiaoke.objects["NewOpportunityObj"].values()}) if seed % 3 == 0 else None
        check(workshop, settings, f"fxiaoke {seed}", Spoilt("fxiaoke:NewOpportunityObj", b"", told))


def deal(seed: int, number: int) -> dict[str, Any]:
    return {
        "_id": f"65e1a2b3c4d5{seed:08x}{number:04x}",
        "account_id": "65e1a2b3c4d5e6f700000001",
        "amount": "1200.50",
        "sales_status": "进行中",
        "owner": ["1007"],
        "create_time": milliseconds(NOW) - 86_400_000 * (number + 2),
        "last_modified_time": milliseconds(NOW) - 3_600_000 * (number + 2),
    }


def mutated_deal(mutator: Mutator, whole: dict[str, Any]) -> dict[str, Any]:
    """A deal with any field spoilt but those that the server itself needs to answer a query."""
    kept = {name: whole[name] for name in ("_id", "last_modified_time")}
    sound = [value for value in CURSED_JSON if not (isinstance(value, str) and not value.isprintable())]
    return {**mutator.spoilt_record(whole, [*sound, *CURSED]), **kept}


def check(workshop: Workshop, settings: Settings, what: str, spoilt: Spoilt) -> None:
    """Land what lies there, and find every row of it again."""
    result, refusal = LandingResult(()), "accepted"
    try:
        result = land(settings, now=NOW)
    except StrataError as error:
        refusal = str(error)
    except Exception:
        pytest.fail(f"{what} crashes\n{traceback.format_exc()}")
    assert refusal.strip(), what
    assert SECRET not in refusal, what
    landed = [batch for batch in workshop.manifest.batches if not batch.is_derived]
    assert [batch.batch_id for batch in landed] == [batch.batch_id for batch in result.batches if not batch.is_derived]
    for batch in landed:
        assert batch.rows_read == batch.accepted + batch.rejected, what
        assert batch.accepted == batch.new + batch.changed + batch.unchanged, what
        stored = numbers(workshop, batch.path)
        refused = numbers(workshop, batch.quarantine_path)
        assert len(stored) == batch.new + batch.changed, what
        assert len(refused) == batch.rejected, what
        assert len({*stored, *refused}) == len(stored) + len(refused), what
        assert set(stored) | set(refused) <= set(range(1, max([*stored, *refused, batch.rows_read]) + 1)), what
    if spoilt.records is not None and landed:
        assert sum(batch.rows_read for batch in landed) == spoilt.records, what


def numbers(workshop: Workshop, path: str | None) -> list[int]:
    """The row numbers in one of landing's files."""
    if path is None:
        return []
    found: list[int] = pq.read_table(workshop.paths.landing / path, columns=["row_number"])["row_number"].to_pylist()
    return found
