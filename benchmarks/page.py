"""The part of docs/performance.md that is written by `make bench`, from the accepted figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.growth import PLAINLY_FASTER, growths
from benchmarks.keeping import Result
from benchmarks.measuring import Measured, Unfinished
from benchmarks.steps import Comparison, Step
from dagster_project.settings.paths import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "performance.md"
IMAGES = PROJECT_ROOT / "docs" / "images"
BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"
PLOTS = {"seconds": "growth-seconds.svg", "memory": "growth-memory.svg"}


def write_page(figures: Sequence[Result], steps: Sequence[Step], page: Path = PAGE) -> None:
    """Put the figures between the two comments of `page`.

    Raises:
        ValueError: the page does not hold both comments once.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page.name} has to hold {BEGIN} and {END} once each")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{section(figures, steps)}\n{END}{after}", encoding="utf-8")


def section(figures: Sequence[Result], steps: Sequence[Step]) -> str:
    """Every aim at a glance, tables of ratios by step, of growth, and the plots."""
    if not figures:
        return "No figures are kept yet."
    return "\n\n".join([_origin(figures), *_glance(figures, steps), *_ratios(figures, steps), *_growth(figures)])


def parts_table(parts: Sequence[Comparison]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of parts, for a terminal as for a page."""
    header = ["orders", "part", "time", "against", "floor", "ratio", "aim", "peak memory", "floor's", "rows/s"]
    return header, [_cells(part) for part in parts]


def _cells(part: Comparison) -> list[str]:
    return [
        f"{part.size:,}",
        part.part,
        _time(part.ours),
        part.against,
        _time(part.floor),
        "" if part.ratio is None else ratio_text(part.ratio),
        _aim(part),
        _peak(part.ours),
        _peak(part.floor),
        "" if part.rows_a_second is None else f"{part.rows_a_second:,.0f}",
    ]


def ratio_text(ratio: float) -> str:
    """Three digits that count, two for small ones."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.{1 if ratio >= 10 else 2 if ratio >= 0.1 else 3}f}"


def _aim(part: Comparison) -> str:
    if part.aim is None:
        return ""
    return f"≤ {part.aim:g}, {'met' if part.is_met else 'not met'}"


def _time(side: Measured | Unfinished | None) -> str:
    if side is None:
        return ""
    return side.reason if isinstance(side, Unfinished) else f"{side.seconds:,.{2 if side.seconds < 10 else 1}f} s"


def _peak(side: Measured | Unfinished | None) -> str:
    return f"{side.peak_bytes / 2**30:.2f} GiB" if isinstance(side, Measured) and side.peak_bytes else ""


def _origin(figures: Sequence[Result]) -> str:
    sizes = " ".join(short(size) for size in sorted({each.size for each in figures}))
    lines = [f'`make bench SIZE="{sizes}"`; each step names its day. Measured on:', ""]
    lines += [f"- {machine}" for machine in dict.fromkeys(str(each.machine) for each in figures)]
    busy = sorted({f"{each.step} at {short(each.size)}" for each in figures if each.machine.is_busy})
    if busy:
        lines += ["", f"Measured beside other work of the machine: {', '.join(busy)}."]
    return "\n".join(lines)


def _glance(figures: Sequence[Result], steps: Sequence[Step]) -> list[str]:
    """What has an aim, at the largest size that was measured."""
    titles = {step.name: step.title for step in steps}
    largest: dict[tuple[str, str], Comparison] = {}
    for part in (part for each in figures for part in each.parts if part.aim is not None):
        key = (part.step, part.part)
        if key not in largest or part.size > largest[key].size:
            largest[key] = part
    if not largest:
        return []
    rows = [
        [
            titles.get(part.step, part.step),
            part.part,
            part.against or "its floor",
            short(part.size),
            "" if part.ratio is None else ratio_text(part.ratio),
            _aim(part),
            _peak(part.ours),
        ]
        for part in largest.values()
    ]
    header = ["step", "part", "against", "orders", "ratio", "aim", "peak memory"]
    return ["### At a glance", "Every aim, at the largest size that was measured.", _table(header, rows)]


def _ratios(figures: Sequence[Result], steps: Sequence[Step]) -> list[str]:
    titles = {step.name: step for step in steps}
    written = []
    for name in dict.fromkeys(each.step for each in figures):
        results = [each for each in figures if each.step == name]
        parts = [part for each in results for part in each.parts]
        step = titles.get(name)
        written.append(f"### {step.title if step else name}")
        days = sorted({each.measured_on for each in results})
        said = f"Against {step.floor}. " if step else ""
        written.append(f"{said}Measured on {', '.join(days)}.")
        written.append(_table(*_without_empty(*parts_table(parts))))
        notes = list(dict.fromkeys(f"- {part.part}: {part.note}" for part in parts if part.note))
        if notes:
            written.append("\n".join(notes))
    return written


def _without_empty(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The columns in which something stands."""
    kept = [place for place in range(len(header)) if any(row[place] for row in rows)]
    return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _table(header: list[str], rows: list[list[str]]) -> str:
    left = {"part", "against", "step", "aim"}
    rule = [" --- " if name in left else " ---: " for name in header]
    lines = [header, *rows]
    return "\n".join(
        [f"| {' | '.join(lines[0])} |", f"|{'|'.join(rule)}|", *(f"| {' | '.join(row)} |" for row in lines[1:])]
    )


def _growth(figures: Sequence[Result]) -> list[str]:
    found = growths(part for each in figures for part in each.parts)
    if not found:
        return []
    rows = []
    for each in found:
        floor = each.floor_exponent
        rows.append(
            [
                each.step,
                each.part,
                " → ".join(short(size) for size in each.sizes),
                " → ".join(f"{seconds:,.1f}" for seconds in each.seconds),
                f"{each.exponent:.2f}",
                f"{each.last_exponent:.2f}"
                + (" **faster than its input**" if each.last_exponent > PLAINLY_FASTER else ""),
                "" if floor is None else f"{floor:.2f}",
            ]
        )
    header = ["step", "part", "orders", "seconds", "exponent", "of the last two", "the floor's"]
    written = [
        "### Growth",
        "Exponent of time over orders, by least squares in logarithms: 1 is linear, 0 does not depend on size.\n"
        "Start-up lowers it at small sizes, so the two largest sizes are shown alone as well.",
        _table(header, rows),
    ]
    pictures = [f"![{name} over orders](images/{file})" for name, file in PLOTS.items() if (IMAGES / file).exists()]
    return [*written, *pictures]


def short(size: int) -> str:
    """1000000 as `1m`, as a size is given."""
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if size >= unit and size % unit == 0:
            return f"{size // unit}{letter}"
    return str(size)


def read_size(text: str) -> int:
    """`1m`, `250k`, `1_000_000` as a number.

    Raises:
        ValueError: it is not a number of orders.
    """
    found = re.fullmatch(r"([\d_,]+)([km]?)", text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is not a number of orders such as 100k, 1m or 250000")
    number = int(re.sub(r"[_,]", "", found[1])) * {"": 1, "k": 1_000, "m": 1_000_000}[found[2]]
    if number < 1_000:
        raise ValueError(f"{text!r}: 1k orders is the least that is measured")
    return number
