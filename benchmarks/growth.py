"""How time grows with size: the exponent of each part, by least squares in logarithms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from benchmarks.measuring import Measured, Unfinished
from benchmarks.steps import Comparison

PLAINLY_FASTER = 1.1  # an exponent above grows faster than its input, and has to be explained


@dataclass(frozen=True)
class Growth:
    """One part over its sizes, smallest first, with the seconds of each; `floor` where that was measured everywhere.

    Exponent 1 is linear: ten times the orders, ten times the time. `exponent` is over all sizes, and lower where
    start-up is a part of the time; `last_exponent` is between the two largest alone.
    """

    step: str
    part: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    floor_seconds: tuple[float, ...] | None
    peaks: tuple[int, ...]

    @property
    def exponent(self) -> float:
        return exponent(self.sizes, self.seconds)

    @property
    def last_exponent(self) -> float:
        return exponent(self.sizes[-2:], self.seconds[-2:])

    @property
    def floor_exponent(self) -> float | None:
        return None if self.floor_seconds is None else exponent(self.sizes, self.floor_seconds)


def exponent(sizes: Iterable[float], seconds: Iterable[float]) -> float:
    """The slope of log(seconds) over log(size).

    Raises:
        ValueError: fewer than two different sizes.
    """
    points = [(math.log(size), math.log(each)) for size, each in zip(sizes, seconds, strict=True)]
    mean_x = sum(x for x, _ in points) / max(len(points), 1)
    mean_y = sum(y for _, y in points) / max(len(points), 1)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError("growth needs two different sizes")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def growths(parts: Iterable[Comparison]) -> list[Growth]:
    """Every part that finished at two sizes or more, in the order of the parts."""
    parts = [part for part in parts if isinstance(part.ours, Measured) and part.ours.seconds > 0]
    names = list(dict.fromkeys((part.step, part.part) for part in parts))
    ordered = sorted(parts, key=lambda part: (names.index((part.step, part.part)), part.size))
    found = []
    for (step, name), group in groupby(ordered, key=lambda part: (part.step, part.part)):
        of_part = list(group)
        if len(of_part) >= 2:
            found.append(_growth(step, name, of_part))
    return found


def _growth(step: str, name: str, parts: list[Comparison]) -> Growth:
    ours = [part.ours for part in parts if not isinstance(part.ours, Unfinished)]
    floors = [part.floor.seconds for part in parts if isinstance(part.floor, Measured) and part.floor.seconds > 0]
    return Growth(
        step=step,
        part=name,
        sizes=tuple(part.size for part in parts),
        seconds=tuple(each.seconds for each in ours),
        floor_seconds=tuple(floors) if len(floors) == len(parts) else None,
        peaks=tuple(each.peak_bytes for each in ours),
    )
