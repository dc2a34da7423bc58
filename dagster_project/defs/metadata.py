"""What Dagster's pages show beside an asset: schema, preview and plot, as metadata values.

Turns values into metadata; what values there are, and that none is personal, is for the callers to know.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import dagster as dg


def column_schema(columns: Sequence[tuple[str, str, str]]) -> dg.TableSchemaMetadataValue:
    """A schema of (name, type, description) columns."""
    return dg.MetadataValue.table_schema(
        dg.TableSchema([dg.TableColumn(name, type=kind, description=text or None) for name, kind, text in columns])
    )


def table_preview(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table; says so where there are none."""
    if not rows:
        return dg.MetadataValue.md("no rows")
    lines = [columns, ["---"] * len(columns), *rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines))


def bar_plot(title: str, bars: Sequence[tuple[str, int]]) -> dg.MarkdownMetadataValue:
    """Counts as a bar chart: an SVG inside the text, so that it needs no network and no file."""
    height, label_width, bar_width = 24, 150, 320
    largest = max((count for _, count in bars), default=0) or 1
    widths = [count / largest * bar_width for _, count in bars]
    rows = "".join(
        f'<text x="{label_width - 8}" y="{row * height + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{label_width}" y="{row * height + 4}" width="{width:.1f}" height="{height - 8}" fill="#3b7dd8"/>'
        f'<text x="{label_width + width + 6:.1f}" y="{row * height + 16}">{count:,}</text>'
        for row, ((label, count), width) in enumerate(zip(bars, widths, strict=True))
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label_width + bar_width + 90}" height="{len(bars) * height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>{rows}</svg>'
    )
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
