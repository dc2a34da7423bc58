"""Reading the report of the invented warehouse, and what a page says and would load."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

import duckdb

from dagster_project.report.content import LandedRows, ReportContent, read_content
from dagster_project.report.page import render_page
from dagster_project.settings.publishing import Language

DAY = date(2018, 1, 1)
COMPARED = date(2017, 12, 31)
LANDED = [
    LandedRows("grocery", "orders", 1000, 990, 10, 0),
    LandedRows("zoho_generated", "customers", 60, 58, 2, 1),
]


def read(con: duckdb.DuckDBPyConnection, **changes: Any) -> ReportContent:
    """The content of the day, with what differs from the usual."""
    arguments: dict[str, Any] = {"day": DAY, "code_version": "0.1.0+abc", "currency": "USD", "landed": LANDED}
    return read_content(con, **(arguments | changes))


class Page(HTMLParser):
    """What a page says, what it would load, and where its links and charts stand."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        for name, value in attrs:
            if tag == "a" and name == "href" and (value or "").startswith("#"):
                self.links.append((value or "").removeprefix("#"))
            elif name in {"src", "href", "srcset", "action", "data"}:
                self.loads.append(value or "")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] not in {"script", "style"}:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def misplaced(page: str) -> list[str]:
    """Rows whose cells do not stand as the headings of their table do: as many, figures under figures, bars under
    bars. A heading across the whole table is none."""

    def kinds(row: str) -> list[set[str]]:
        classes = (re.search('class="(.*?)"', cell) for cell in re.findall(r"<t[hd]\b[^>]*>", row))
        return [{"number", "bar"}.intersection(found[1].split()) if found else set() for found in classes]

    return [
        row
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL)
        for head, *rows in [re.findall(r"<tr.*?</tr>", table, re.DOTALL)]
        for row in rows
        if "colgroup" not in row and kinds(row) != kinds(head)
    ]


def section(con: duckdb.DuckDBPyConnection, name: str, language: Language = Language.ENGLISH, **changes: Any) -> str:
    """The HTML of one section of the day's page."""
    page = render_page(read(con, **changes), language)
    found = re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)
    assert found, name
    return found[0]


def said(con: duckdb.DuckDBPyConnection, name: str, language: Language = Language.ENGLISH, **changes: Any) -> str:
    """The words of one section, each piece apart by one space."""
    return " ".join(Page(section(con, name, language, **changes)).text.split())
