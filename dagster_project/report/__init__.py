"""The HTML report of one day: who the customers are, where the money comes from, the list, and how good the data is.

One self-contained page a language, for a marketing lead to open from a mail or a folder; nothing is loaded from a
network. It reads marts and never personal data: every figure in it is a count or a sum.
"""

from __future__ import annotations

from dagster_project.report.writing import write_report

__all__ = ["write_report"]
