"""A page of the project opened from its file in a browser that has no network, for tests that look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

ALL_DRAWN = "[...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('.main-svg'))"


class Opened:
    """The page once all its charts are drawn, with what it asked for and complained of."""

    def __init__(self, browser: Browser, path: Path, *, width: int = 1180) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[Any] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.goto(path.as_uri())
        self.page.wait_for_function(ALL_DRAWN)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()
