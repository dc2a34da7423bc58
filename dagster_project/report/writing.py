"""Writing the report's pages: one file a language, in the folder of its day.

Gathers what the page needs from the warehouse and the landing manifest; it decides nothing about what is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.atomic_files import remove_unfinished, write_if_changed
from dagster_project.landing import Manifest
from dagster_project.publishing.code_version import code_version
from dagster_project.report.content import CheckResult, LandedRows, read_content
from dagster_project.report.page import render_page
from dagster_project.settings import Settings


def write_report(
    con: duckdb.DuckDBPyConnection, *, settings: Settings, day: date, checks: Sequence[CheckResult] = ()
) -> list[Path]:
    """Write reports/<day>/report-<language>.html for every configured language; the same numbers give the same bytes.

    Raises:
        PublishingError: the day is not stored, or a mart is missing.
    """
    content = read_content(
        con,
        day=day,
        code_version=code_version(settings.paths.dbt_project),
        currency=settings.sources.business.currency,
        landed=[
            LandedRows(row.source, row.entity, row.rows_read, row.accepted, row.rejected, row.excluded)
            for row in Manifest.load(settings.paths).row_counts()
        ],
        checks=checks,
    )
    channels = [channel.name for channel in settings.publishing.reactivation.channels]
    folder = settings.paths.reports / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    paths = []
    for language in settings.publishing.report.languages:
        path = folder / f"report-{language}.html"
        write_if_changed(path, render_page(content, language, channels).encode("utf-8"))
        paths.append(path)
    return paths
