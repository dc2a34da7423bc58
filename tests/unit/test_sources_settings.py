"""What sources.yaml may say, and how its errors name file, line, place and cure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dagster_project.errors import SettingsError
from dagster_project.settings.sources import SourcesSettings
from dagster_project.settings.yaml_documents import load_model

VALID = """\
business:
  time_zone: America/New_York
  currency: USD
  default_country: US
  history_starts_on: 2017-01-01
sources:
  - name: shop
    time_zone: Asia/Shanghai
    reads:
      - entity: orders
        path: inbox/orders.csv
        where:
          Kind: {in: [sale, 1]}
        columns:
          order_id: [Order No, 订单编号]
          customer_ref: Buyer
          ordered_at: {from: Paid, formats: ["%Y/%m/%d %H:%M", excel]}
          status: {from: 订单状态, values: {交易成功: completed, 1: pending}}
          gross_amount: {sum_of: [Goods, Postage], number: {decimal: ","}}
"""


def read(tmp_path: Path, text: str) -> SourcesSettings:
    file = tmp_path / "sources.yaml"
    file.write_text(text, encoding="utf-8")
    return load_model(file, SourcesSettings)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def test_a_mapping_reads_names_aliases_constants_and_values(tmp_path: Path) -> None:
    columns = read(tmp_path, VALID).sources[0].reads[0].columns
    assert columns["order_id"].names == ("Order No", "订单编号")
    assert columns["customer_ref"].names == ("Buyer",)
    assert columns["status"].values == {"交易成功": "completed", "1": "pending"}
    assert columns["gross_amount"].source_names == ("Goods", "Postage")


@pytest.mark.parametrize(
    ("formats", "is_refused"),
    [
        ('["%Y/%m/%d %H:%M"]', True),
        ('["%Y/%m/%d %H:%M %z"]', False),
        ('["%Y/%m/%d %H:%M %Z", epoch_ms]', False),
        ('["%Y/%m/%d %H:%M %z", excel]', True),
        ("[iso]", False),
    ],
)
def test_the_zone_must_be_stated_where_a_format_has_none(tmp_path: Path, formats: str, is_refused: bool) -> None:
    text = VALID.replace("    time_zone: Asia/Shanghai\n", "").replace('["%Y/%m/%d %H:%M", excel]', formats)
    if is_refused:
        assert "the zone must be stated" in refusal(tmp_path, text)
    else:
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("currency: USD", "curency: USD", 3, "there is no setting 'curency' here; did you mean 'currency'?"),
        ("customer_ref: Buyer", "custmer_ref: Buyer", 16, "did you mean 'customer_ref'?"),
        ("entity: orders", "entity: order", 10, "there is no entity 'order'; did you mean 'orders'?"),
        ("交易成功: completed", "交易成功: complete", 18, "status cannot be 'complete'; did you mean 'completed'?"),
        ("Asia/Shanghai", "Asia/Peking", 8, "'Asia/Peking' is no IANA time zone"),
        ("    time_zone: Asia/Shanghai\n", "", 16, "the zone must be stated"),
        ("customer_ref: Buyer", "channel: Buyer", 14, "entity orders needs customer_ref"),
        ("Kind: {in: [sale, 1]}", "Kind: {}", 13, "names no operator"),
        ("Kind: {in: [sale, 1]}", "Kind: {inn: [sale]}", 13, "did you mean 'in'?"),
        ("[Goods, Postage]", "[]", 19, "at least 1"),
        ("inbox/orders.csv", "inbox/orders.csv\n        delimiter: ';;'", 12, "must be one character such as"),
        ("inbox/orders.csv", "inbox/orders.csv\n        delimiter: '\"'", 12, "must be one character such as"),
        ('number: {decimal: ","}', 'number: {decimal: ",", thousands: ","}', 19, "two different marks"),
        ("sum_of: [Goods, Postage]", "sum_of: [Goods], from: Total", 19, "exactly one of from, constant and sum_of"),
        ("excel]", "exel]", 17, "'exel' is no format"),
        ("        path: inbox/orders.csv\n", "        orders: from lines\n        path: x.csv\n", 11, "order_lines"),
        ("currency: USD", "currency: usd", 3, "pattern"),
        ("path: inbox/orders.csv", 'path: a.csv\n        delimiter: "||"', 12, "must be one character such as ','"),
        ("path: inbox/orders.csv", "path: a.csv\n        delimiter: '\"'", 12, "must be one character such as ','"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_cure(
    tmp_path: Path, before: str, after: str, line: int, words: str
) -> None:
    message = refusal(tmp_path, VALID.replace(before, after))
    assert words in message
    assert any(f"sources.yaml:{line}:" in each for each in message.splitlines() if words in each), message


@pytest.mark.parametrize(("written", "mark"), [('";"', ";"), ("tab", "\t"), ("auto", "auto")])
def test_a_delimiter_is_one_character_or_tab_or_told_by_the_records(tmp_path: Path, written: str, mark: str) -> None:
    text = VALID.replace("path: inbox/orders.csv", f"path: inbox/orders.csv\n        delimiter: {written}")
    assert read(tmp_path, text).sources[0].reads[0].form.delimiter == mark


def test_every_mistake_of_a_file_is_listed_once(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, VALID.replace("Buyer", "Buyer\n          nonsense: x").replace("  time_zone: America/New_York\n", "")
    )
    assert len(message.splitlines()) == 2


def test_a_key_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, VALID.replace("  currency: USD\n", "  currency: USD\n  currency: EUR\n"))
    assert re.search(r"sources\.yaml:4: business\.currency is given twice, first on line 3", message)


def test_yaml_that_does_not_parse_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "sources.yaml:3: not valid YAML" in refusal(tmp_path, "business:\n  currency: USD\n currency: [\n")


def test_words_that_old_yaml_took_for_booleans_stay_words(tmp_path: Path) -> None:
    text = VALID.replace("default_country: US", "default_country: NO").replace("交易成功", "off")
    settings = read(tmp_path, text)
    assert settings.business.default_country == "NO"
    assert settings.sources[0].reads[0].columns["status"].values == {"off": "completed", "1": "pending"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"sources\.yaml is missing"):
        load_model(tmp_path / "sources.yaml", SourcesSettings)


def test_a_link_to_an_unknown_source_is_refused(tmp_path: Path) -> None:
    crm = """\
  - name: crm
    reads:
      - entity: customers
        path: x.csv
        links: {shopp: Shop No}
        columns: {customer_ref: Id}
"""
    assert "there is no source 'shopp'; did you mean 'shop'?" in refusal(tmp_path, VALID + crm)


LINES = """\
      - entity: order_lines
        orders: from lines
        path: y.csv
        columns: {order_id: a, customer_ref: b, ordered_at: c, line_amount: d}
"""


def test_orders_and_lines_that_make_orders_do_not_share_a_source(tmp_path: Path) -> None:
    assert "an order comes from one of the two" in refusal(tmp_path, VALID + LINES)


def test_lines_that_make_orders_bring_orders_and_other_lines_do_not(tmp_path: Path) -> None:
    head = VALID[: VALID.index("      - entity: orders\n")]
    assert read(tmp_path, head + LINES).entities == {"order_lines", "orders"}
    plain = LINES.replace("        orders: from lines\n", "").replace("customer_ref: b, ordered_at: c", "product_id: b")
    assert read(tmp_path, head + plain).entities == {"order_lines"}
