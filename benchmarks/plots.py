"""Growth as pictures: seconds and memory over orders, both logarithmic. Runs in the benchmarks' own environment.

python -m benchmarks.plots SECONDS.svg MEMORY.svg < growths.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib
import matplotlib.pyplot as plt

matplotlib.use("svg")
# Neither a date nor random ids: the same figures draw the same bytes.
matplotlib.rcParams.update({"svg.hashsalt": "strata", "svg.fonttype": "none", "font.size": 9})
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b5ea7", "#b08900", "#3d8b8b", "#8a5a44", "#d16ba5")


def main(seconds: str, memory: str) -> None:
    """Draw both pictures of the growths on standard input."""
    growths = json.load(sys.stdin)
    _draw(growths, seconds, "seconds", lambda each: each["seconds"], lambda each: each["floor_seconds"])
    _draw(growths, memory, "peak memory, GiB", lambda each: [peak / 2**30 for peak in each["peaks"]], lambda _: None)


def _draw(growths: list[dict[str, Any]], file: str, label: str, values: Any, floor: Any) -> None:
    """One panel a step; a part is a line, its floor the same colour dashed."""
    steps = list(dict.fromkeys(each["step"] for each in growths))
    columns = min(len(steps), 3)
    rows = -(-len(steps) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4 * columns, 3 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(steps) :]:
        axis.set_visible(False)
    for step, axis in zip(steps, axes.flat, strict=False):
        for number, each in enumerate(one for one in growths if one["step"] == step):
            colour = COLOURS[number % len(COLOURS)]
            if all(values(each)):
                axis.plot(each["sizes"], values(each), "o-", color=colour, markersize=3, label=each["part"])
            if floor(each):
                axis.plot(each["sizes"], floor(each), "--", color=colour, linewidth=1)
        axis.set(xscale="log", yscale="log", title=step, xlabel="orders", ylabel=label)
        axis.grid(visible=True, linewidth=0.3)
        axis.legend(fontsize=6, frameon=False)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
