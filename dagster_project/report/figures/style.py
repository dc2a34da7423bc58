"""Colours, axes and margins of the report's charts, as plain JSON, so that plotly's Python side need not be loaded.

Colours are told apart with any colour vision and in grey print: one blue from light to dark, and orange for a mark.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

INK = "#1f2933"
MUTED = "#5f6c7b"
RULE = "#dfe5ec"
MARK = "#c2560c"
BLUE = "#0b5c8a"
FONT = "'Inter', 'Helvetica Neue', Arial, 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
SCALE = ((0.0, "#f1f6fa"), (0.25, "#c3daea"), (0.5, "#7fb0d0"), (0.75, "#3a82ae"), (1.0, "#0b4a72"))

# Stages and other classes in a stack: blues for those who buy, orange for those who stopped, grey for the rest.
CLASS_COLOURS = {
    "prospect": "#c9d1da",
    "new": "#9fcbe6",
    "active": "#0b5c8a",
    "reactivated": "#4f9ac4",
    "silent": "#e9a66b",
    "churned": "#a8480a",
    "high": "#0b4a72",
    "mid": "#3a82ae",
    "low": "#9fcbe6",
    "unknown": "#e3e8ed",
    "absent": "#8f9aa7",
}

Figure = dict[str, Any]


def heat_colour(share: float) -> str:
    """The colour of the scale at `share` (0 to 1), mixed between its stops."""
    share = min(1.0, max(0.0, share))
    (low, from_colour), (high, to_colour) = next(stops for stops in pairwise(SCALE) if share <= stops[1][0])
    part = (share - low) / (high - low)
    mixed = (round(a + (b - a) * part) for a, b in zip(_rgb(from_colour), _rgb(to_colour), strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def text_colour(share: float) -> str:
    """White or black, whichever stands out more from `heat_colour(share)`; at least 4.5 : 1 (WCAG 2, level AA)."""
    linear = [
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (part / 255 for part in _rgb(heat_colour(share)))
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with its title; `more` are plotly's own settings."""
    return {
        "title": {"text": title, "font": {"size": 12, "color": MUTED}},
        "tickfont": {"size": 11, "color": MUTED},
        "gridcolor": RULE,
        "linecolor": RULE,
        **more,
    }


def layout(*, height: int, left: int, bottom: int, top: int = 10) -> dict[str, Any]:
    """What every chart has in common; margins in pixels."""
    return {
        "height": height,
        "margin": {"l": left, "r": 22, "t": top, "b": bottom},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": INK},
        "showlegend": False,
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "bgcolor": "#ffffff", "bordercolor": RULE},
    }


def legend() -> dict[str, Any]:
    """A legend in a row above the chart, which needs a margin of about 40 pixels there."""
    return {
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
            "font": {"size": 12},
            "bordercolor": RULE,
            "itemclick": False,
            "itemdoubleclick": False,
        },
    }


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
