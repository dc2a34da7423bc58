"""Results kept: line by line while they come, and as the figures that were accepted last.

A stopped benchmark goes on from `results.jsonl` in its folder; `figures.json` lies in the repository, so that everybody
holds a change against the same figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measuring import Measured, Unfinished
from benchmarks.steps import Comparison

FIGURES = Path(__file__).with_name("figures.json")
SLOWER = 1.2  # a ratio that grew by more than this is said


@dataclass(frozen=True)
class Result:
    """One step at one size: its parts, when it was measured, where, with which code, and for how long in all."""

    step: str
    size: int
    measured_on: str
    machine: Machine
    code: str
    seconds: float
    parts: tuple[Comparison, ...]

    @property
    def key(self) -> tuple[str, int]:
        return self.step, self.size

    def to_json(self) -> dict[str, Any]:
        values = {**asdict(replace(self, parts=())), "parts": [part.to_json() for part in self.parts]}
        for part in values["parts"]:
            del part["step"], part["size"]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Result:
        """The result that `to_json` wrote."""
        its = {"step": values["step"], "size": values["size"]}
        parts = tuple(Comparison.from_json({**part, **its}) for part in values["parts"])
        return cls(**{**values, "machine": Machine(**values["machine"]), "parts": parts})


def append(file: Path, result: Result) -> None:
    """Keep a result as a line at the end of `file`."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(result.to_json(), ensure_ascii=False) + "\n")


def read_lines(file: Path) -> dict[tuple[str, int], Result]:
    """The newest result of each step and size; a line cut off by a stop, or of an older form, is left out."""
    results = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                result = Result.from_json(json.loads(line))
            except (json.JSONDecodeError, KeyError, TypeError):
                continue
            results[result.key] = result
    return results


def read_figures(file: Path = FIGURES) -> list[Result]:
    """The accepted figures, in the order of the file; none where there is no file."""
    return [Result.from_json(each) for each in json.loads(file.read_text(encoding="utf-8"))] if file.exists() else []


def accept(results: Iterable[Result], order: Iterable[str], file: Path = FIGURES) -> list[Result]:
    """Put results in the place of the accepted ones of the same step and size, and hand back all of them.

    Steps stand in the given order, each from its smallest size on.
    """
    steps = list(order)
    figures = {each.key: each for each in (*read_figures(file), *results)}
    ordered = sorted(figures.values(), key=lambda each: (_place(each.step, steps), each.size))
    file.write_text(
        json.dumps([each.to_json() for each in ordered], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return ordered


def _place(step: str, steps: list[str]) -> tuple[int, str]:
    return (steps.index(step) if step in steps else len(steps)), step


@dataclass(frozen=True)
class Slower:
    """A part that lost against its own floor since the accepted figures."""

    part: Comparison
    was: Comparison

    def __str__(self) -> str:
        words = f"{self.part.step}, {self.part.part}, {self.part.size:,} orders: "
        if isinstance(self.part.ours, Unfinished):
            return words + f"{self.part.ours.reason}; it finished in the accepted figures"
        words += f"{self.part.ratio:.2f} times its floor, {self.was.ratio:.2f} times in the accepted figures"
        if self.part.cpu_ratio is not None and self.was.cpu_ratio is not None:
            words += f" (of processor time {self.part.cpu_ratio:.2f} and {self.was.cpu_ratio:.2f})"
        return words


def slower(result: Result, accepted: Iterable[Result]) -> list[Slower]:
    """The parts of `result` whose ratio to their floor is more than 20 % above the accepted one of the same size.

    A part that does not finish any more is one of them, whatever its floor does.
    """
    before = {part.key: part for each in accepted for part in each.parts}
    pairs = [Slower(part, before[part.key]) for part in result.parts if part.key in before]
    return [pair for pair in pairs if _is_slower(pair)]


def _is_slower(pair: Slower) -> bool:
    if isinstance(pair.part.ours, Unfinished):
        return isinstance(pair.was.ours, Measured)
    if pair.part.ratio is None or pair.was.ratio is None:
        return False
    return pair.part.ratio > SLOWER * pair.was.ratio
