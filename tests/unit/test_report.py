"""The report: its numbers are the marts', its words both languages', and nothing in it is personal or loaded."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from marts_fixture import HOSTILE_NAMES, LABELS, build_marts
from report_pages import DAY, LANDED, Page, misplaced, read

from dagster_project.publishing.tables import PublishingError
from dagster_project.report import numbers
from dagster_project.report.content import CheckResult, LandedRows
from dagster_project.report.content.value import read_tier_ends
from dagster_project.report.figures.style import heat_colour, text_colour
from dagster_project.report.page import render_page
from dagster_project.report.sections.frame import key_figures
from dagster_project.report.words import TEXTS, Words
from dagster_project.settings.publishing import Language


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


def test_the_numbers_are_those_of_the_day(con) -> None:
    content = read(con)
    customers, revenue = con.execute(
        "select count(*), sum(revenue_window) from marts.customer_segments where as_of_date = '2018-01-01'"
    ).fetchone()
    assert content.customers == customers == 60
    assert content.revenue == revenue
    for counts in (content.tiers, content.types, content.segments):
        assert sum(count.customers for count in counts) == customers
    assert sum(count.customers for count in content.stage_by_tier.values()) == customers
    scored = con.execute(
        "select count(*) from marts.customer_segments where as_of_date = '2018-01-01' and r_score is not null"
    ).fetchone()
    assert sum(cell.customers for cell in content.cells) == scored[0]
    assert len(content.cells) == 25


def test_the_key_figures_say_what_those_bought_who_fell_silent_or_left(con) -> None:
    con.execute("update marts.segment_summary set revenue_window = 3")
    shown = re.sub("<.*?>", " ", key_figures(read(con), Words(Language.ENGLISH)))
    assert re.search(r"Silent or churned\s+28\s+\$6 bought in the window", shown), shown


def test_the_mid_tier_ends_on_the_curve_where_no_customer_is_of_high_value(con) -> None:
    con.execute("update marts.customer_value set value_tier = 'mid' where value_tier = 'high'")
    mid, low = (
        con.execute(
            "select count(*), sum(value) from marts.customer_value "
            "where as_of_date = '2018-01-01' and value > 0 and value_tier = ?",
            [tier],
        ).fetchone()
        for tier in ("mid", "low")
    )
    ends = read_tier_ends(con, date(2018, 1, 1))
    assert list(ends) == ["mid"]
    assert ends["mid"].customer_share == pytest.approx(mid[0] / (mid[0] + low[0]))
    assert ends["mid"].value_share == pytest.approx(float(mid[1] / (mid[1] + low[1])))


def test_the_curve_rises_to_one_and_bends_as_the_values_do(con) -> None:
    content = read(con)
    xs = [point.customer_share for point in content.curve]
    ys = [point.value_share for point in content.curve]
    assert (xs[0], ys[0], xs[-1], ys[-1]) == (0, 0, 1, 1)
    assert xs == sorted(xs)
    slopes = [(y1 - y0) / (x1 - x0) for x0, x1, y0, y1 in zip(xs[:-1], xs[1:], ys[:-1], ys[1:], strict=True)]
    assert all(later <= earlier + 1e-4 for earlier, later in pairwise(slopes))
    values = sorted(
        (
            value
            for (value,) in con.execute(
                "select value from marts.customer_value where as_of_date = '2018-01-01' and value > 0"
            ).fetchall()
        ),
        reverse=True,
    )
    assert ys[1] == pytest.approx(float(values[0] / sum(values)), abs=1e-6)
    assert content.high_ends_at is not None
    assert content.high_ends_at.value_share >= 0.8


@pytest.mark.parametrize("language", list(Language))
def test_every_class_stands_under_its_label_with_its_count(con, language) -> None:
    content = read(con)
    text = Page(render_page(content, language)).text
    for dimension, counts in {
        "lifecycle_stage": content.stages,
        "value_tier": content.tiers,
        "rfm_type": content.types,
        "rfm_segment": content.segments,
    }.items():
        for count in counts:
            if count.customers:
                assert LABELS[dimension][count.code][0 if language is Language.ENGLISH else 1] in text
    assert "default-5d1c0f2a" in text
    assert "0.1.0+abc" in text


def test_each_language_has_its_own_words_and_days(con) -> None:
    con.execute("delete from marts.segment_summary where breakdown = 'owner'")  # names as the CRM writes them
    content = read(con)
    english, chinese = (Page(render_page(content, language)) for language in Language)
    assert "As of 1 January 2018" in english.text
    assert "截至 2018年1月1日" in chinese.text
    assert not re.search(r"[\u4e00-\u9fff]", english.text)
    for phrase in ("Customers", "Revenue", "Quarantined", "High value"):
        assert phrase not in chinese.text


def test_both_languages_of_a_sentence_take_the_same_values() -> None:
    for key, (english, chinese) in TEXTS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese)), key


@pytest.mark.parametrize("language", list(Language))
def test_a_page_loads_nothing(con, language) -> None:
    page = render_page(read(con), language)
    assert Page(page).loads == ["data:,"]
    assert "@import" not in page
    head = page[: page.index("<script>")]
    assert "url(" not in head


def test_the_contents_lead_to_every_section_and_to_nothing_else(con) -> None:
    page = render_page(read(con), Language.ENGLISH)
    sections = re.findall(r'<section id="([\w-]+)">', page)
    assert Page(page).links == sections
    assert len(sections) == len(set(sections)) == 21


@pytest.mark.parametrize("customers", [1, 60])
def test_every_figure_has_its_place_and_every_place_its_figure(customers) -> None:
    con = duckdb.connect()
    build_marts(con, [date(2017, 12, 31), DAY], customers=customers)
    page = render_page(read(con), Language.ENGLISH)
    places = [name.removeprefix("chart-") for name in Page(page).ids if name.startswith("chart-")]
    assert sorted(places) == sorted(figures_of(page))


@pytest.mark.parametrize("language", list(Language))
def test_figures_stand_under_their_headings(con, language) -> None:
    assert misplaced(render_page(read(con), language)) == []


def test_a_page_does_not_grow_with_its_customers() -> None:
    lengths = []
    for customers in (60, 480):
        con = duckdb.connect()
        build_marts(con, [DAY], customers=customers)
        page = render_page(read(con), Language.ENGLISH)
        lengths.append(len(page))
        assert len(json.dumps(figures_of(page))) < 60_000
    assert lengths[1] - lengths[0] < 12_000


def figures_of(page: str) -> dict[str, Any]:
    """The figures that the page draws."""
    found = re.search(r"^const figures = (.*);$", page, re.MULTILINE)
    assert found
    figures: dict[str, Any] = json.loads(found[1])
    return figures


@pytest.mark.parametrize("language", list(Language))
def test_no_name_contact_or_customer_is_on_the_page(con, language) -> None:
    page = render_page(read(con), language)
    for name, phone, email, wechat in con.execute(
        "select name, phone, email, wechat_id from personal.customer_contacts"
    ).fetchall():
        for value in (name, phone, email, wechat):
            assert value not in page


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><b>", *HOSTILE_NAMES]
)
def test_hostile_text_stays_text(con, hostile) -> None:
    for statement in (
        "update control.labels set label_en = $text, label_zh = $text",
        "update control.dimensions set label_en = $text, label_zh = $text",
        "update control.matrix_axes set measure = $text, standard_version = $text",
        "update control.matrix_quadrants set standard_version = $text",
        "update control.standards set standard_version = $text",
        "update marts.customer_segments set standard_version = $text",
        "update marts.segment_migration set class_to = $text where class_to = 'silent'",
        "update marts.segment_stability set verdict = $text",
        "update marts.segment_summary set breakdown_class = $text where breakdown_class = 'North'",
        "update marts.reactivation_list set campaign_id = $text",
        "update marts.reactivation_list_notes set channel = $text, note = $text",
        "update marts.segment_summary set class = $text where class = 'loyal'",
        "update marts.customer_predictions set model = $text where model is not null",
        "update marts.prediction_backtest set predictor = $text where predictor = 'mbg_nbd'",
        "update marts.classification_backtest set dimension = $text where dimension = 'rfm_type'",
    ):
        con.execute(statement, {"text": hostile})
    landed = [LandedRows(hostile + "_generated", hostile, 1, 1, 0, 0)]
    content = read(
        con, landed=landed, checks=[CheckResult(hostile, False, hostile)], code_version=hostile, currency=hostile
    )
    harmless = Page(render_page(read(con), Language.ENGLISH)).tags
    page = Page(render_page(content, Language.ENGLISH))
    assert set(page.tags) <= set(harmless)
    assert page.tags.count("script") == harmless.count("script") == 2
    assert "img" not in page.tags
    assert page.loads == ["data:,"]


def test_generated_sources_are_named_and_real_ones_alone_say_nothing(con) -> None:
    page = Page(render_page(read(con), Language.ENGLISH)).text
    assert "Part of this data is invented. The sources zoho_generated were generated" in page
    assert "invented" not in Page(render_page(read(con, landed=LANDED[:1]), Language.ENGLISH)).text
    con.execute("insert into identity.customer_aliases values ('fxiaoke_generated', 'x', 999, 1)")
    assert "fxiaoke_generated" in Page(render_page(read(con, landed=[]), Language.ENGLISH)).text


def test_data_quality_shows_counts_and_a_broken_sum(con) -> None:
    assert "1,060 rows were read, 1,048 accepted, 12 set aside" in Page(render_page(read(con), Language.ENGLISH)).text
    assert "fails" not in Page(render_page(read(con), Language.ENGLISH)).text
    broken = [LandedRows("grocery", "orders", 1000, 990, 9, 0)]
    assert "✗ fails" in Page(render_page(read(con, landed=broken), Language.ENGLISH)).text
    con.execute("insert into marts.orders_without_rate (source, order_id) values ('grocery', '1')")
    assert "Orders without an exchange rate: 1 ✗ fails" in Page(render_page(read(con), Language.ENGLISH)).text


@pytest.mark.parametrize("stored", [(40, 30, 20, 10), (10, 20, 30, 40)])
def test_recency_cut_points_stand_from_the_lowest_score_up(con, stored) -> None:
    con.execute("delete from marts.rfm_cut_points")
    for number, days in enumerate(stored, start=1):
        con.execute(
            "insert into marts.rfm_cut_points values ('2018-01-01', 's', 'score', 'recency', ?, ?)", [number, days]
        )
    con.execute("insert into marts.rfm_cut_points values ('2018-01-01', 's', 'type', 'recency', 1, 25)")
    page = render_page(read(con), Language.ENGLISH)
    rows = re.findall(r"Recency \(days.*?</tr>", page)
    assert re.findall(r'"number">(\d+)<', rows[0]) == ["40", "30", "20", "10", "25"]
    assert [page.count(f">{head}</th>") for head in ("1 | 2", "4 | 5", "High / low")] == [1, 1, 1]


def test_an_empty_list_and_an_unscored_day_still_make_a_page(con) -> None:
    for table in ("reactivation_list", "reactivation_list_notes", "silent_customers", "rfm_cut_points"):
        con.execute(f"delete from marts.{table}")
    con.execute("update marts.customer_segments set r_score = null, f_score = null")
    con.execute("update marts.customer_value set value = 0")
    page = render_page(read(con, landed=[]), Language.ENGLISH)
    assert "No list was issued for this day." in page
    assert "No customer ordered in the window" in page
    assert not {"grid", "curve"} & set(figures_of(page))


def test_an_assumed_consent_is_shown_with_its_reason(con) -> None:
    con.execute(
        "update marts.reactivation_list_notes set note = 'consent_default', consent_default_reason = 'Counsel <2026>'"
    )
    page = render_page(read(con), Language.CHINESE)
    assert "默认同意：Counsel &lt;2026&gt;" in page


def test_fixed_limits_are_not_called_a_rhythm(con) -> None:
    assert "their own rhythm" in render_page(read(con), Language.ENGLISH)
    con.execute("update marts.customer_lifecycle set limit_basis = 'fixed'")
    page = render_page(read(con), Language.ENGLISH)
    assert "their own rhythm" not in page
    assert "the same for every customer" in page


def test_channels_stand_in_the_order_of_the_settings(con) -> None:
    text = Page(render_page(read(con), Language.ENGLISH, ["sms", "email", "wechat", "telesales"])).text
    assert text.index("SMS") < text.index("E-mail") < text.index("WeChat") < text.index("Telesales")


def test_the_same_numbers_give_the_same_page(con) -> None:
    assert render_page(read(con), Language.CHINESE) == render_page(read(con), Language.CHINESE)


def test_a_day_that_is_not_stored_is_an_error_with_its_cure(con) -> None:
    with pytest.raises(PublishingError, match=r"2016-02-03 is not stored.*strata run --as-of 2016-02-03"):
        read(con, day=date(2016, 2, 3))
    con.execute("drop table marts.silent_customers")
    with pytest.raises(PublishingError, match="silent_customers"):
        read(con)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_lines_of_the_grid_run_between_cells_of_different_segments(con) -> None:
    content = read(con)
    segments = {(cell.f_score, cell.r_score): cell.segment for cell in content.cells}
    places = range(1, 6)
    neighbours = [((f, r), (f + 1, r)) for f in range(6) for r in places]
    neighbours += [((f, r), (f, r + 1)) for f in places for r in range(6)]
    borders = {
        ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
        for one, other in neighbours
        if segments.get(one, "outside") != segments.get(other, "outside")
    }
    drawn = set()
    for line in figures_of(render_page(content, Language.ENGLISH))["grid"]["layout"]["shapes"]:
        width, height = line["x1"] - line["x0"], line["y1"] - line["y0"]
        for step in range(int(width)):
            drawn.add((line["x0"] + step + 0.5, line["y0"] + height / 2))
        for step in range(int(height)):
            drawn.add((line["x0"] + width / 2, line["y0"] + step + 0.5))
    assert drawn == borders


def test_the_heat_scale_grows_darker_from_end_to_end() -> None:
    steps = [luminance(heat_colour(step / 20)) for step in range(21)]
    assert steps == sorted(set(steps), reverse=True)
    assert (heat_colour(-1), heat_colour(2)) == (heat_colour(0), heat_colour(1))


def test_text_on_the_heat_scale_can_be_read() -> None:
    for step in range(101):
        low, high = sorted((luminance(heat_colour(step / 100)), luminance(text_colour(step / 100))))
        assert (high + 0.05) / (low + 0.05) >= 4.5, step


@pytest.mark.parametrize(
    ("written", "of", "expected"),
    [
        (numbers.short_money, (Decimal("4596039.58"), "USD", Language.ENGLISH), "$4.60M"),
        (numbers.short_money, (Decimal("4596039.58"), "USD", Language.CHINESE), "$459.6万"),
        (numbers.short_money, (Decimal("-1234.5"), "CNY", Language.ENGLISH), "−¥1.23K"),
        (numbers.short_money, (Decimal("999"), "CHF", Language.CHINESE), "CHF 999"),
        (numbers.short_money, (Decimal("123456789"), "CNY", Language.CHINESE), "¥1.23亿"),
        (numbers.money, (Decimal("1234.5"), "USD"), "$1,235"),
        (numbers.money, (None, "USD"), "–"),
        (numbers.share, (Decimal("0.1235"),), "12.4%"),
        (numbers.share, (Decimal("0.0001"),), "<0.1%"),
        (numbers.share, (Decimal(0),), "0.0%"),
        (numbers.share, (None,), "–"),
        (numbers.plain, (Decimal("91.000000"),), "91"),
        (numbers.plain, (Decimal("1305.360000"),), "1,305.36"),
        (numbers.plain, (Decimal("100"),), "100"),
        (numbers.short_money, (Decimal("-45960395"), "USD", Language.ENGLISH), "−$46.0M"),
        (numbers.short_money, (Decimal("459603958"), "USD", Language.ENGLISH), "$459.6M"),
        (numbers.short_money, (Decimal("4596039580000"), "USD", Language.ENGLISH), "$4,596B"),
        (numbers.short_money, (Decimal("45960395"), "USD", Language.CHINESE), "$4,596万"),
        (numbers.short_money, (Decimal("459.6"), "USD", Language.ENGLISH), "$460"),
        (numbers.fine_money, (Decimal("3.456"), "USD"), "$3.46"),
        (numbers.fine_money, (Decimal("-99.5"), "USD"), "−$99.50"),
        (numbers.fine_money, (Decimal("100"), "USD"), "$100"),
        (numbers.fine_money, (Decimal(0), "USD"), "$0"),
        (numbers.fine_money, (None, "USD"), "–"),
        (numbers.long_day, (date(2018, 1, 1), Language.ENGLISH), "1 January 2018"),
    ],
)
def test_numbers_are_written_as_people_read_them(written, of, expected) -> None:
    assert written(*of) == expected


def test_words_without_a_translation_show_the_code() -> None:
    assert Words(Language.CHINESE).or_code("note", "some_new_reason") == "some new reason"
