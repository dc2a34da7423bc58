"""Quarantine: listed as it stands, read again after a mapping is mended, and every row counted once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_workshop import NOW, Workshop

from dagster_project.landing import BadRowsLimitExceeded, LandedRead, LandingResult
from dagster_project.landing.erased import ERASED_REASON, REMOVED_TEXT
from dagster_project.landing.quarantine import list_quarantine, replay_quarantine

DEALS = """
  - name: crm
    reads:
      - entity: opportunities
        path: inbox/deals*
        columns:
          opportunity_id: Deal.id
          amount: Sum
          status: {from: Stage, values: {Won: won, OPEN}}
          created_at: {from: At, formats: ["%Y/%m/%d"], time_zone: UTC}
"""
BEFORE = DEALS.replace("OPEN", "Lost: lost")
AFTER = DEALS.replace("OPEN", "Open: open")
TEXT = 'Deal.id,Sum,Stage,At\n1,"1,200.50",Won,2024/1/1\n2,"2,000.00",Open,2024/1/2\n,3,Won,2024/1/3\n4,5.5\n'


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def replay(workshop: Workshop, sources: str) -> LandingResult:
    return replay_quarantine(workshop.settings(sources), now=NOW)


def totals(workshop: Workshop) -> list[tuple[int, int, int]]:
    return [(each.rows_read, each.accepted, each.rejected) for each in workshop.manifest.row_counts()]


@pytest.mark.parametrize("is_in_place", [True, False])
def test_mended_rows_land_and_count_once(workshop: Workshop, is_in_place: bool) -> None:
    path = workshop.write("deals.csv", TEXT)
    workshop.land(BEFORE)
    assert totals(workshop) == [(4, 1, 3)]
    if not is_in_place:
        path.unlink()
    told: list[LandedRead] = []
    [read] = replay_quarantine(workshop.settings(AFTER), now=NOW, progress=told.append).reads
    assert told == [read]
    assert [batch.new for batch in read.batches] == [1]
    landed = workshop.rows(
        "select opportunity_id, amount::varchar, status, row_number, source_file from opportunities order by 1"
    )
    assert landed == [("1", "1200.50", "won", 1, "inbox/deals.csv"), ("2", "2000.00", "open", 2, "inbox/deals.csv")]
    assert totals(workshop) == [(4, 2, 2)]
    listed = list_quarantine(workshop.paths)
    assert listed["row_number"].to_pylist() == [3, 4]
    assert [each.note for each in replay(workshop, AFTER).reads] == ["its mapping has not changed"]
    assert totals(workshop) == [(4, 2, 2)]


def test_a_row_without_its_text_stays_refused_for_the_reason_that_it_had(workshop: Workshop) -> None:
    path = workshop.write("deals.csv", TEXT)
    workshop.land(BEFORE)
    path.unlink()
    [quarantine] = workshop.paths.landing.glob("quarantine/*.parquet")
    rows = pq.read_table(quarantine).to_pylist()
    rows[1] |= {"original": REMOVED_TEXT, "record": None, "reasons": [ERASED_REASON], "kind": "excluded"}
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(quarantine)), quarantine)
    replay(workshop, AFTER)
    assert totals(workshop) == [(4, 2, 2)]
    listed = list_quarantine(workshop.paths).to_pylist()
    assert [(row["row_number"], row["kind"]) for row in listed] == [(3, "excluded"), (4, "invalid")]
    assert listed[0]["reasons"] == [ERASED_REASON]


def test_a_file_that_is_read_again_as_a_whole_counts_once(workshop: Workshop) -> None:
    workshop.write("deals.csv", TEXT)
    workshop.land(BEFORE)
    [batch] = workshop.land(AFTER).batches
    assert (batch.new, batch.unchanged, batch.rejected) == (1, 1, 2)
    assert totals(workshop) == [(4, 2, 2)]
    assert list_quarantine(workshop.paths).num_rows == 2


def test_replays_chain(workshop: Workshop) -> None:
    workshop.write(
        "deals.jsonl",
        '{"Deal": {"id": 1}, "Sum": 2, "Stage": "Won"}\n'
        '{"Deal": {"id": 2}, "Sum": 2, "Stage": "Open"}\n{"Deal": {"id": 3}, "Stage": "Void", "At": "2024/1/1"}\n',
    ).rename(workshop.inbox / "deals.jsonl")
    workshop.land(BEFORE)
    (workshop.inbox / "deals.jsonl").unlink()
    replay(workshop, AFTER)
    replay(workshop, AFTER.replace("Open: open", "Open: open, Void: lost"))
    assert workshop.rows("select opportunity_id, status from opportunities order by 1") == [
        ("1", "won"),
        ("2", "open"),
        ("3", "lost"),
    ]
    assert totals(workshop) == [(3, 3, 0)]
    assert list_quarantine(workshop.paths).num_rows == 0


def test_lines_of_an_order_are_not_replayed_without_their_file(workshop: Workshop) -> None:
    sources = """
  - name: tills
    time_zone: UTC
    reads:
      - entity: order_lines
        path: inbox/lines*.csv
        orders: from lines
        columns: {order_id: no, customer_ref: who, ordered_at: at, line_amount: {from: sum, values: {"5": "5", MORE}}}
"""
    path = workshop.write("lines.csv", "no,who,at,sum\n1,a,2024-01-01,5\n1,a,2024-01-01,five\n")
    workshop.land(sources.replace("MORE", '"6": "6"'))
    mended = sources.replace("MORE", 'five: "5"')
    content = path.read_bytes()
    path.unlink()
    assert [read.note for read in replay(workshop, mended).reads] == [
        "put the file back: an order's lines are read together"
    ]
    path.write_bytes(content)
    replay(workshop, mended)
    assert workshop.rows("select gross_amount::varchar from orders order by batch_sequence desc limit 1") == [
        ("10.00",)
    ]
    assert [(each.entity, each.rows_read, each.accepted) for each in workshop.manifest.row_counts()] == [
        ("order_lines", 2, 2),
        ("orders", 1, 1),
    ]


def test_rows_of_a_stopped_file_are_listed(workshop: Workshop) -> None:
    workshop.write("deals.csv", TEXT)
    with pytest.raises(BadRowsLimitExceeded):
        workshop.land(BEFORE, limit=0.1)
    assert list_quarantine(workshop.paths)["row_number"].to_pylist() == [2, 3, 4]


def test_a_read_that_is_gone_is_said(workshop: Workshop) -> None:
    workshop.write("deals.csv", TEXT)
    workshop.land(BEFORE)
    other = "\n  - {name: other, reads: [{entity: campaigns, path: 'x*', columns: {campaign_id: a}}]}\n"
    assert [read.note for read in replay(workshop, other).reads] == ["its read is no longer in sources.yaml"]


def test_quarantine_counts_hold_no_values(workshop: Workshop) -> None:
    workshop.write("deals.csv", TEXT)
    workshop.land(BEFORE)
    assert workshop.rows("select reason, row_count from quarantine_counts order by all") == [
        ("opportunity_id is missing", 1),
        ("status has a value that is not in its values", 1),
        ("the line has fewer fields than the header", 1),
    ]
