"""Casting and checking: every reason of a row, ids as text, numbers and times as they were meant."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_workshop import NOW, Workshop

from dagster_project.errors import StrataError
from dagster_project.landing import inspect_reads


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, hash_key="a key for tests")


ORDERS = """
  - name: shop
    time_zone: Asia/Shanghai
    currency: CNY
    reads:
      - entity: orders
        path: inbox/orders.csv
        decimal: "."
        columns:
          order_id: no
          customer_ref: buyer
          ordered_at: at
          gross_amount: total
"""


def orders(workshop: Workshop, lines: list[str], *, sources: str = ORDERS, header: str = "no,buyer,at,total") -> None:
    workshop.write("orders.csv", "\n".join([header, *lines]) + "\n")
    workshop.land(sources)


def reasons(workshop: Workshop) -> list[list[str]]:
    return [row[2] for row in workshop.quarantine()]


def test_a_row_goes_to_quarantine_with_every_reason_and_its_text(workshop: Workshop) -> None:
    orders(workshop, ["1,a,2024-01-01 10:00,5", ",6.2E+17,2024-13-45,-x", "3,c,2024-01-02,-1"])
    assert workshop.rows("select order_id from orders") == [("1",)]
    assert reasons(workshop) == [
        [
            "order_id is missing",
            "customer_ref has lost digits in a spreadsheet: '6.2E+17'",
            "ordered_at fits no format of its setting formats (iso): '2024-13-45'",
            "gross_amount is no number in the stated style: '-x'",
        ],
        ["gross_amount is below 0: '-1.00'"],
    ]
    assert workshop.quarantine()[0][3] == '{"no":null,"buyer":"6.2E+17","at":"2024-13-45","total":"-x"}'


def test_ids_keep_zeros_and_lose_blanks_and_excel_marks(workshop: Workshop) -> None:
    lines = [f"{no},a,2024-01-01,5" for no in ("0012", " 0013 ", '"=""0014"""', "'0015", "\u3000订单１\u00a0", "12.0")]
    orders(workshop, lines)
    assert workshop.rows("select order_id from orders order by row_number") == [
        ("0012",),
        ("0013",),
        ("0014",),
        ("0015",),
        ("订单１",),
        ("12.0",),
    ]


def test_defaults_are_stated_ones_only(workshop: Workshop) -> None:
    orders(workshop, ["1,a,2024-01-01 00:30,5"])
    row = workshop.rows("select source, status, currency, ordered_at, discount_amount, is_deleted from orders")
    assert row == [("shop", "completed", "CNY", datetime(2023, 12, 31, 16, 30, tzinfo=UTC), None, False)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$12,400.00", "12400.00"),
        ("￥1,200", "1200.00"),
        ("US$ 7.5", "7.50"),
        ("95,570.69", "95570.69"),
        ("12 元", "12.00"),
        ("１２.５", "12.50"),
        ("1e3", "1000.00"),
        ("+5", "5.00"),
        ("12.345", "12.35"),
        ("", None),
        ("(3.00)", None),
        ("1,23", None),
        ("1.2万", None),
        ("12,34.00", None),
        ("nan", None),
        ("-", None),
        ("5 - 3", None),
    ],
)
def test_numbers_are_cleaned_and_never_guessed(workshop: Workshop, text: str, value: str | None) -> None:
    orders(workshop, [f'1,a,2024-01-01,"{text}"'])
    landed = workshop.rows("select gross_amount from orders")
    assert landed == ([(Decimal(value),)] if value else [])


def test_a_negative_number_may_stand_in_brackets(workshop: Workshop) -> None:
    orders(
        workshop,
        ['1,a,2024-01-01,"(1,200.50)"'],
        sources=ORDERS.replace("entity: orders", "entity: opportunities")
        .replace("order_id: no", "opportunity_id: no")
        .replace("ordered_at: at", "created_at: at")
        .replace("gross_amount: total", "amount: total"),
    )
    assert workshop.rows("select amount from opportunities") == [(Decimal("-1200.50"),)]


STATUS = (
    ORDERS
    + """\
          status:
            from: state
            values: {交易成功: completed, "付款以后用户退款成功，交易自动关闭": refunded, VOID}
"""
)


def test_a_value_that_is_not_mapped_is_a_reason_unless_a_default_is_stated(workshop: Workshop) -> None:
    lines = [
        "1,a,2024-01-01,5,交易成功",
        "2,a,2024-01-01,5,付款以后用户退款成功，交易自动关闭",
        "3,a,2024-01-01,5,等待付款",
        "4,a,2024-01-01,5,",
    ]
    header = "no,buyer,at,total,state"
    orders(workshop, lines, sources=STATUS.replace("VOID", '"-": null'), header=header)
    assert workshop.rows("select order_id, status from orders") == [("1", "completed"), ("2", "refunded")]
    assert reasons(workshop) == [["status has a value that is not in its values: '等待付款'"], ["status is missing"]]
    workshop.land(STATUS.replace("VOID", '"*": pending'))
    assert workshop.rows("select order_id, status from orders where batch_sequence = 2") == [
        ("3", "pending"),
        ("4", "pending"),
    ]


def test_a_choice_that_is_not_in_the_contract_names_those_that_are(workshop: Workshop) -> None:
    orders(
        workshop,
        ["1,a,2024-01-01,5,Completed"],
        sources=ORDERS + "          status: state\n",
        header="no,buyer,at,total,state",
    )
    assert reasons(workshop) == [
        ["status is not one of completed, cancelled, refunded, pending; map it with values: 'Completed'"]
    ]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("total: {above: 2}", "3"),
        ("total: {at_least: 2}", "23"),
        ("total: {below: 2}", "1"),
        ("total: {at_most: 2, not_equals: 1}", "2"),
        ("buyer: {equals: b}", "2"),
        ("buyer: {in: [a, b]}", "12"),
        ("buyer: {not_in: [a, b]}", "34"),
        ("buyer: {present: true}", "123"),
        ("buyer: {present: false}", "4"),
        ('buyer: {matches: "^[ab]$"}', "12"),
        ('buyer: {not_matches: "^[ab]$"}', "34"),
        ("total: {equals: 3}", "3"),
        ("no: {in: [1, 4]}", "14"),
    ],
)
def test_rules_keep_what_satisfies_all_of_them(workshop: Workshop, rule: str, kept: str) -> None:
    workshop.write("a.csv", "no,buyer,total\n1,a,1\n2,b,2.00\n3,c,$3\n4,,\n")
    [batch] = workshop.land(f"""
  - name: shop
    reads:
      - entity: campaigns
        path: inbox/a.csv
        decimal: "."
        where: {{{rule}}}
        columns: {{campaign_id: no, name: buyer}}
""").batches
    assert "".join(row[0] for row in workshop.rows("select campaign_id from campaigns order by 1")) == kept
    assert batch.excluded == batch.rejected == 4 - len(kept)
    assert {row[1] for row in workshop.quarantine()} == {"excluded"}


def test_rows_left_out_by_a_rule_do_not_count_towards_the_limit(workshop: Workshop) -> None:
    workshop.write(
        "orders.csv", "no,buyer,at,total\n" + "".join(f"C{at},,bad,-1\n" for at in range(99)) + "1,a,2024-01-01,1\n"
    )
    sources = ORDERS.replace("        decimal", '        where: {no: {not_matches: "^C"}}\n        decimal')
    [batch] = workshop.land(sources, limit=0.0).batches
    assert (batch.rows_read, batch.accepted, batch.rejected, batch.excluded) == (100, 1, 99, 99)


def test_times_without_a_zone_are_refused_with_the_setting(workshop: Workshop) -> None:
    zoneless = ORDERS.replace("    time_zone: Asia/Shanghai\n", "")
    orders(workshop, ["1,a,2024-01-01 10:00,5", "2,a,2024-01-01T10:00:00+08:00,5"], sources=zoneless)
    assert workshop.rows("select ordered_at from orders") == [(datetime(2024, 1, 1, 2, tzinfo=UTC),)]
    assert "no time_zone is set" in reasons(workshop)[0][0]


@pytest.mark.parametrize("text", ["0019-01-05 08:03", "2200-01-02", "infinity", "epoch", "2024-02-30", "08:03", "now"])
def test_times_that_cannot_be_meant_are_refused(workshop: Workshop, text: str) -> None:
    orders(workshop, [f"1,a,{text},5"])
    assert workshop.rows("select * from orders") == []
    assert reasons(workshop)[0][0].startswith("ordered_at ")


def test_one_column_may_hold_several_kinds_of_time(workshop: Workshop) -> None:
    formats = '{from: at, formats: ["%Y/%m/%d %H:%M", iso, excel, epoch_ms, epoch_s]}'
    lines = [
        f"{at},a,{text},1"
        for at, text in enumerate(
            [
                "2019/1/5 8:03",
                "2019-01-05T08:03:00",
                "43470.335416666667",
                "1546646580000",
                "1546646580",
                "2019-01-05 08:03:00 +0800",
                "2019-01-05T00:03Z",
            ]
        )
    ]
    orders(workshop, lines, sources=ORDERS.replace("ordered_at: at", f"ordered_at: {formats}"))
    assert workshop.rows("select distinct ordered_at from orders") == [(datetime(2019, 1, 5, 0, 3, tzinfo=UTC),)]
    assert workshop.rows("select count(*) from orders") == [(len(lines),)]


def test_times_of_parquet_that_know_their_zone_need_no_setting_and_others_do(workshop: Workshop) -> None:
    at = datetime(2024, 1, 1, 10, tzinfo=UTC)
    zoneless = ORDERS.replace("    time_zone: Asia/Shanghai\n", "").replace(".csv", "_*.parquet")
    for name, zone in (("zoned", "Asia/Shanghai"), ("plain", None)):
        columns = {"no": [name], "buyer": ["a"], "at": pa.array([at], pa.timestamp("us", zone)), "total": [5]}
        pq.write_table(pa.table(columns), workshop.inbox / f"orders_{name}.parquet")
    workshop.land(zoneless)
    assert workshop.rows("select order_id, ordered_at from orders") == [("zoned", at)]
    assert "no time_zone is set" in reasons(workshop)[0][0]


CUSTOMERS = """
  - name: crm
    reads:
      - entity: customers
        path: inbox/people.csv
        columns: {customer_ref: id, name: name, phone: phone, email: mail, wechat_id: wx}
"""
PEOPLE = (
    "id,name,phone,mail,wx\n1,Ann,(212) 555-0123,Ann@Example.com,wxid_ab12\n2,Ben,+1 212 555 0123,none,\n3,Cy,12,,\n"
)


def test_contact_points_are_normalised_hashed_and_kept_apart(workshop: Workshop) -> None:
    workshop.write("people.csv", PEOPLE)
    [batch] = workshop.land(CUSTOMERS).batches
    flags = workshop.rows("select is_phone_valid, is_email_valid, is_wechat_valid from customers order by customer_ref")
    assert flags == [(True, True, True), (True, False, False), (False, False, False)]
    hashes = workshop.rows("select phone_hash, email_hash, wechat_hash from customers order by customer_ref")
    assert hashes[0][0] == hashes[1][0]
    assert len(hashes[0][0]) == 64
    assert hashes[1][1:] == (None, None)
    assert hashes[2] == (None, None, None)
    assert workshop.rows("select customer_ref, name, phone, email, wechat_id from customers_personal order by 1")[
        0
    ] == (
        "1",
        "Ann",
        "(212) 555-0123",
        "Ann@Example.com",
        "wxid_ab12",
    )
    assert batch.path is not None
    public = (workshop.paths.landing / batch.path).read_bytes()
    assert b"Ann" not in public
    assert b"555" not in public


def test_personal_files_and_quarantine_are_for_their_owner_only(workshop: Workshop) -> None:
    workshop.write("people.csv", PEOPLE + ",No id,,,\n")
    [batch] = workshop.land(CUSTOMERS).batches
    for path in (batch.personal_path, batch.quarantine_path):
        assert path is not None
        file = workshop.paths.landing / path
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_without_a_key_there_are_no_hashes_but_validity(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.write("people.csv", PEOPLE)
    workshop.land(CUSTOMERS)
    assert workshop.rows("select count(*) filter (is_phone_valid), count(phone_hash) from customers") == [(2, 0)]


def test_hashing_can_be_turned_off_and_references_can_be_hashed(workshop: Workshop) -> None:
    workshop.write("people.csv", PEOPLE)
    changed = CUSTOMERS.replace("phone: phone", "phone: {from: phone, hash: false}").replace(
        "customer_ref: id", "customer_ref: {from: id, hash: true}"
    )
    workshop.land(changed)
    rows: list[tuple[Any, ...]] = workshop.rows(
        "select customer_ref, phone_hash, email_hash is not null from customers order by row_number"
    )
    assert all(len(ref) == 64 for ref, _, _ in rows)
    assert [row[1:] for row in rows] == [(None, True), (None, False), (None, False)]
    assert len({ref for ref, _, _ in rows}) == 3


def test_a_new_key_reads_customers_again_and_no_other_file(tmp_path: Path) -> None:
    orders = """
  - name: till
    kind: files
    time_zone: UTC
    reads:
      - entity: orders
        path: inbox/orders.csv
        columns: { order_id: id, customer_ref: who, ordered_at: at, gross_amount: total }
"""
    without_key = Workshop(tmp_path)
    without_key.write("people.csv", PEOPLE)
    without_key.write("orders.csv", "id,who,at,total\n1,2,2024-01-01,3.00\n")
    without_key.land(CUSTOMERS + orders)
    landed = Workshop(tmp_path, hash_key="a key for tests").land(CUSTOMERS + orders)
    assert {batch.entity for batch in landed.batches} == {"customers"}


def test_hashing_references_without_a_key_names_the_setting(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.write("people.csv", PEOPLE)
    with pytest.raises(StrataError, match="STRATA_HASH_KEY"):
        workshop.land(CUSTOMERS.replace("customer_ref: id", "customer_ref: {from: id, hash: true}"))


def test_no_reason_quotes_a_personal_value(workshop: Workshop) -> None:
    workshop.write("people.csv", "id,name,phone,mail,wx\n,Ann Secret,555,x@y.z,w\n")
    workshop.land(CUSTOMERS)
    assert reasons(workshop) == [["customer_ref is missing"]]


def test_a_sum_skips_blanks_and_refuses_words(workshop: Workshop) -> None:
    sources = ORDERS.replace("gross_amount: total", "gross_amount: {sum_of: [goods, post]}")
    lines = ["1,a,2024-01-01,5,", "2,a,2024-01-01,5.10,0.05", "3,a,2024-01-01,,", "4,a,2024-01-01,5,free"]
    orders(workshop, lines, sources=sources, header="no,buyer,at,goods,post")
    assert workshop.rows("select gross_amount from orders order by order_id") == [
        (Decimal("5.00"),),
        (Decimal("5.15"),),
    ]
    assert reasons(workshop) == [
        ["gross_amount is missing"],
        ["gross_amount is no number in the stated style: '5 + free'"],
    ]


def test_percentages_are_shares(workshop: Workshop) -> None:
    workshop.write("deals.csv", "id,chance,scale\n1,60%,60\n2,0.6,5\n3,60,101\n")
    workshop.land("""
  - name: crm
    reads:
      - {entity: opportunities, path: inbox/deals.csv, columns: {opportunity_id: id, probability: chance}}
""")
    assert workshop.rows("select opportunity_id, probability from opportunities") == [
        ("1", Decimal("0.600000")),
        ("2", Decimal("0.600000")),
    ]
    workshop.land("""
  - name: erp
    reads:
      - entity: opportunities
        path: inbox/deals.csv
        columns: {opportunity_id: id, probability: {from: scale, number: {divide_by: 100}}}
""")
    assert workshop.rows("select probability from opportunities where source = 'erp'") == [
        (Decimal("0.600000"),),
        (Decimal("0.050000"),),
    ]


def test_settings_and_values_cannot_speak_sql(workshop: Workshop) -> None:
    evil = "x') from read_text('/etc/passwd'); drop table checked; --"
    quoted = evil.replace("'", "''")
    workshop.write("a.csv", f'"{evil}",id\n"{evil}",1\n')
    workshop.land(f"""
  - name: shop
    reads:
      - entity: campaigns
        path: inbox/a.csv
        where: {{'{quoted}': {{in: ['{quoted}']}}}}
        columns:
          campaign_id: id
          name: {{from: '{quoted}', values: {{'{quoted}': '{quoted}'}}}}
          channel: {{constant: '{quoted}'}}
""")
    assert workshop.rows("select name, channel from campaigns") == [(evil, evil)]


def test_inspecting_says_what_landing_would_do_and_writes_nothing(workshop: Workshop) -> None:
    workshop.write("orders.csv", "no,buyer,at,total\n1,a,2024-01-01,5\n1,a,2024-01-02,6\n2,,2024-01-01,5\n")
    [inspected] = inspect_reads(workshop.settings(ORDERS, limit=0.1), now=NOW)
    assert inspected.columns_found == ("no", "buyer", "at", "total")
    assert inspected.counts is not None
    assert (inspected.counts.read, inspected.counts.rejected) == (3, 1)
    assert inspected.reasons == (("customer_ref is missing", 1),)
    assert inspected.is_above_limit
    assert "orders: from lines" in inspected.notes[0]
    [missing] = inspect_reads(workshop.settings(ORDERS.replace("gross_amount: total", "gross_amount: totl")), now=NOW)
    assert missing.problem == "columns.gross_amount: no column 'totl'; did you mean 'total'?"
    [missing] = inspect_reads(workshop.settings(ORDERS.replace("orders.csv", "none.csv")), now=NOW)
    assert missing.problem == f"no file matches in {workshop.paths.data}"
    assert not workshop.paths.landing.exists()
