"""What the report says, as numbers: read from the marts of one day. One module a subject; `day` gathers them."""

from __future__ import annotations

from dagster_project.report.content.day import CheckResult, Cut, LandedRows, ReportContent, read_content

__all__ = ["CheckResult", "Cut", "LandedRows", "ReportContent", "read_content"]
