"""The page of an impact in a real Chromium, from a file, without a network: it draws, fits, runs no foreign script."""

from __future__ import annotations

from pathlib import Path

import pytest
from invented_impact import invented_impact
from opened_page import Opened

from dagster_project.impact import write_impact_page
from dagster_project.settings.publishing import Language

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("impact")
    return {
        "en": write_impact_page(invented_impact(), folder, Language.ENGLISH),
        "zh": write_impact_page(invented_impact(), folder, Language.CHINESE),
        "hostile": write_impact_page(invented_impact(HOSTILE), folder / "hostile", Language.ENGLISH),
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_draws_a_sankey_for_each_dimension_that_moves(browser, pages, language) -> None:
    moving = [dimension for dimension in invented_impact().dimensions if dimension.customers_moved]
    with Opened(browser, pages[language]) as opened:
        assert [url for url in opened.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert opened.errors == []
        assert opened.page.locator(".chart").count() == len(moving)
        for dimension in moving:
            chart = opened.page.locator(f"#chart-{dimension.dimension}")
            assert chart.locator(".sankey-link").count() == len(dimension.moves)
            assert chart.locator(".sankey-node").count() == 2 * len(dimension.labels)
        heading = {"en": "What the new standard would change", "zh": "新标准会带来哪些变化"}[language]
        assert opened.page.get_by_role("heading", level=1).inner_text() == heading


@pytest.mark.parametrize("width", [390, 820, 1180, 1920])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_fits_the_window(browser, pages, language, width) -> None:
    with Opened(browser, pages[language], width=width) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        for chart in opened.page.locator(".chart").all():
            box = chart.bounding_box()
            assert box is not None
            assert 250 < box["width"] <= width


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_keeps_inside_its_card(browser, pages, language) -> None:
    with Opened(browser, pages[language]) as opened:
        spilling = opened.page.evaluate(
            "[...document.querySelectorAll('.kpis div, section, td, th')]"
            ".filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.innerText)"
        )
        assert spilling == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_labels_of_a_sankey_stand_inside_it(browser, pages, language) -> None:
    with Opened(browser, pages[language]) as opened:
        for chart in opened.page.locator(".chart").all():
            frame = chart.bounding_box()
            assert frame is not None
            for label in chart.locator(".node-label").all():
                box = label.bounding_box()
                assert box is not None
                assert frame["x"] <= box["x"]
                assert box["x"] + box["width"] <= frame["x"] + frame["width"]
                assert frame["y"] <= box["y"]
                assert box["y"] + box["height"] <= frame["y"] + frame["height"]


def test_names_and_labels_run_no_script(browser, pages) -> None:
    with Opened(browser, pages["hostile"]) as opened:
        assert opened.page.title() != "owned"
        assert opened.page.locator("img[src=x]").count() == 0
        assert HOSTILE in opened.page.locator("header").inner_text()
        assert opened.errors == []
