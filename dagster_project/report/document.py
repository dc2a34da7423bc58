"""A page as one self-contained HTML document: style, plotly and figures inside, nothing to load."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files

from dagster_project.report.figures.style import Figure
from dagster_project.report.words import Words
from dagster_project.settings.publishing import Language

_HTML_LANGUAGES = {Language.ENGLISH: "en", Language.CHINESE: "zh-CN"}


def whole_document(title: str, body: str, figures: Mapping[str, Figure], words: Words) -> str:
    """The document; `body` is HTML with a place `chart-<name>` for each of the figures."""
    return _PAGE.format(
        language=_HTML_LANGUAGES[words.language],
        title=html.escape(title),
        style=files(__package__).joinpath("page.css").read_text(encoding="utf-8"),
        body=body,
        no_script=html.escape(words("no_script")),
        plotly=files("plotly").joinpath("package_data/plotly.min.js").read_text(encoding="utf-8"),
        # A label that says </script> must not end the script.
        figures=json.dumps(figures, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"),
    )


_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<noscript><p class="note">{no_script}</p></noscript>
<script>
{plotly}
</script>
<script>
const figures = {figures};
const config = {{displayModeBar: false, responsive: true}};
for (const [name, figure] of Object.entries(figures)) {{
  Plotly.newPlot("chart-" + name, figure.data, figure.layout, config);
}}
const resize = () => Object.keys(figures).forEach((name) => Plotly.Plots.resize("chart-" + name));
window.addEventListener("beforeprint", resize);
window.addEventListener("afterprint", resize);
</script>
</body>
</html>
"""
