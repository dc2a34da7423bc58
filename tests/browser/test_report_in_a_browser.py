"""The report in a real Chromium, from a file, without a network: it draws, fits, prints and runs no foreign script."""

from __future__ import annotations

from datetime import date
from itertools import combinations, pairwise
from pathlib import Path

import duckdb
import pytest
from marts_fixture import build_marts
from opened_page import Opened

from dagster_project.report.content import LandedRows, read_content
from dagster_project.report.page import render_page
from dagster_project.settings.publishing import Language

pytestmark = pytest.mark.browser

DAY = date(2018, 1, 1)
DAYS = [date(2017, 9, 30), date(2017, 10, 31), date(2017, 11, 30), date(2017, 12, 31), DAY]
FORETOLD = ("chances", "gain", "tracking", "frequency")
CHARTS = ("grid", "curve", "stages", "backtest", *FORETOLD, "migration-lifecycle_stage", "migration-value_tier")
HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    con = duckdb.connect()
    build_marts(con, DAYS, customers=150, list_for=DAY)
    landed = [
        LandedRows("grocery", "orders", 1000, 990, 10, 0),
        LandedRows("zoho_generated", "customers", 60, 60, 0, 0),
    ]
    folder = tmp_path_factory.mktemp("report")
    paths = {}
    for name in ("en", "zh", "hostile"):
        if name == "hostile":
            con.execute(
                "update control.labels set label_en = ? where code in ('champions', 'silent', 'hibernating')", [HOSTILE]
            )
            con.execute("update marts.reactivation_list_notes set note = ?", [HOSTILE])
            con.execute("update control.dimensions set label_en = ? where dimension = 'lifecycle_stage'", [HOSTILE])
            con.execute("update control.matrix_axes set measure = ?", [HOSTILE])
            con.execute("update marts.segment_summary set breakdown_class = ? where breakdown = 'owner'", [HOSTILE])
        content = read_content(con, day=DAY, code_version="0.1.0+abc", currency="USD", landed=landed)
        paths[name] = folder / f"{name}.html"
        language = Language.CHINESE if name == "zh" else Language.ENGLISH
        paths[name].write_text(render_page(content, language), encoding="utf-8")
    return paths


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_draws_without_a_network_and_without_an_error(browser, pages, language) -> None:
    with Opened(browser, pages[language]) as opened:
        assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert opened.errors == []
        assert opened.page.locator("#chart-curve .scatterlayer .trace").count() == 3
        assert opened.page.locator("#chart-grid .annotation").count() == 25
        assert opened.page.locator("#chart-stages .barlayer .trace").count() == 5
        assert opened.page.locator("#chart-stages .barlayer .point").count() == 5 * len(DAYS)
        assert opened.page.locator("#chart-backtest .scatterlayer .trace").count() == 4
        assert opened.page.locator("#chart-chances .scatterlayer .point").count() == 10
        assert opened.page.locator("#chart-gain .scatterlayer .trace").count() == 3
        assert opened.page.locator("#chart-tracking .scatterlayer .trace").count() == 2
        assert opened.page.locator("#chart-frequency .barlayer .point").count() == 2 * 8
        for dimension in ("lifecycle_stage", "value_tier"):
            chart = opened.page.locator(f"#chart-migration-{dimension}")
            assert chart.locator(".sankey-node").count() >= 8
            assert chart.locator(".sankey-link").count() >= 5
        assert opened.page.locator(".matrix .quadrant").count() == 12
        assert opened.page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-CN"}[language]
        heading = {"en": "Who our customers are", "zh": "我们的客户是谁"}[language]
        assert opened.page.get_by_role("heading", level=1).inner_text() == heading


@pytest.mark.parametrize("width", [390, 820, 1180, 1920])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_fits_the_window(browser, pages, language, width) -> None:
    with Opened(browser, pages[language], width=width) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        for name in CHARTS:
            chart = opened.page.locator(f"#chart-{name}").bounding_box()
            assert chart is not None
            assert 250 < chart["width"] <= width, name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_keeps_inside_its_card(browser, pages, language) -> None:
    with Opened(browser, pages[language]) as opened:
        spilling = opened.page.evaluate(
            "[...document.querySelectorAll('.kpis div, section, td, th, nav div, .quadrant, .matrix')]"
            ".filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.innerText)"
        )
        assert spilling == []


@pytest.mark.parametrize("width", [390, 1180])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_labels_of_a_sankey_stand_apart_and_inside(browser, pages, language, width) -> None:
    with Opened(browser, pages[language], width=width) as opened:
        for dimension in ("lifecycle_stage", "value_tier"):
            chart = opened.page.locator(f"#chart-migration-{dimension}")
            frame = chart.bounding_box()
            boxes = [label.bounding_box() for label in chart.locator(".node-label").all()]
            assert len(boxes) >= 8
            assert frame is not None
            for box in boxes:
                assert box is not None
                assert box["x"] >= frame["x"] - 1
                assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
                assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
            for one, other in combinations([box for box in boxes if box], 2):
                beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                below = one["y"] + one["height"] <= other["y"] + 2 or other["y"] + other["height"] <= one["y"] + 2
                assert beside or below, (one, other)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_days_under_a_chart_do_not_run_into_each_other(browser, pages, language) -> None:
    with Opened(browser, pages[language]) as opened:
        for name in ("stages", "backtest"):
            boxes = [tick.bounding_box() for tick in opened.page.locator(f"#chart-{name} .xtick text").all()]
            assert len(boxes) >= 4
            for one, other in pairwise([box for box in boxes if box]):
                assert one["x"] + one["width"] < other["x"]


@pytest.mark.parametrize("width", [390, 1180])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_in_the_charts_of_predictions_stand_apart_and_inside(browser, pages, language, width) -> None:
    with Opened(browser, pages[language], width=width) as opened:
        for name in FORETOLD:
            chart = opened.page.locator(f"#chart-{name}")
            frame = chart.bounding_box()
            texts = chart.locator(".xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .annotation-text").all()
            boxes = [box for text in texts if (box := text.bounding_box())]
            assert frame is not None
            assert len(boxes) >= 8
            for box in boxes:
                assert frame["x"] - 1 <= box["x"]
                assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
                assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
            for one, other in combinations(boxes, 2):
                beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                below = one["y"] + one["height"] <= other["y"] + 2 or other["y"] + other["height"] <= one["y"] + 2
                assert beside or below, (name, one, other)


def test_the_contents_lead_to_the_section(browser, pages) -> None:
    with Opened(browser, pages["en"]) as opened:
        opened.page.get_by_role("link", name="Who moved").click()
        top = opened.page.evaluate("document.querySelector('#movement').getBoundingClientRect().top")
        assert 0 <= top < 40


def test_hovering_a_flow_says_who_moved(browser, pages) -> None:
    with Opened(browser, pages["en"]) as opened:
        link = opened.page.locator("#chart-migration-value_tier .sankey-link").first
        link.scroll_into_view_if_needed()
        link.hover(force=True)
        opened.page.wait_for_selector("#chart-migration-value_tier .hoverlayer .hovertext")
        said = opened.page.locator("#chart-migration-value_tier .hoverlayer").text_content() or ""
        assert " → " in said
        assert "Customers" in said


def test_hovering_a_cell_says_what_it_holds(browser, pages) -> None:
    with Opened(browser, pages["en"]) as opened:
        opened.page.locator("#chart-grid").scroll_into_view_if_needed()
        box = opened.page.locator("#chart-grid .nsewdrag").bounding_box()
        assert box is not None
        opened.page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1)
        opened.page.wait_for_selector("#chart-grid .hoverlayer .hovertext")
        said = opened.page.locator("#chart-grid .hoverlayer").text_content() or ""
        assert "Champions" in said
        assert "R 5 · F 5" in said


def test_it_prints_in_a_few_pages(browser, pages) -> None:
    with Opened(browser, pages["zh"]) as opened:
        printed = opened.page.pdf(format="A4", print_background=True)
        assert printed.startswith(b"%PDF")
        assert 5 <= printed.count(b"/Type /Page\n") <= 12


def test_hostile_labels_are_shown_and_do_nothing(browser, pages) -> None:
    with Opened(browser, pages["hostile"]) as opened:
        opened.page.wait_for_timeout(200)
        assert opened.page.title() == "Who our customers are · 1 January 2018"
        assert opened.page.locator("img").count() == 0
        assert opened.errors == []
        assert HOSTILE in opened.page.locator("main").inner_text()


def test_without_scripts_every_number_is_still_there(browser, pages) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["en"].as_uri())
    text = page.locator("body").inner_text()
    assert "Champions" in text
    assert "Telesales" in text
    assert "The charts need JavaScript" in text
    assert "Biggest moves" in text or "biggest moves" in text
    page.get_by_text("The numbers").first.click()
    assert "2017-10-31" in page.locator("#history details").inner_text()
    context.close()
