"""What `make bench` measures: the steps, in their order, and what a step hands back.

A step is a module that declares `STEP`. Nothing here runs a process or writes a file: running.py does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measured, Unfinished

ORDERS_A_CUSTOMER = 10  # of every generated company, so that a size names both
MODULES = (  # in the order in which they run, a line each
    "benchmarks.landing",
    "benchmarks.runs",
    "benchmarks.daily_run",
    "benchmarks.runs_as_shipped",
    "benchmarks.runs_in_little_memory",
    "benchmarks.month_ends",
    "benchmarks.days",
    "benchmarks.stored_days",
    "benchmarks.publishing",
    "benchmarks.start_up",
    "benchmarks.identity",
    "benchmarks.prediction",
    "benchmarks.peers.comparing",
)


@dataclass(frozen=True)
class Comparison:
    """One part of a step at one size, and what it is held against.

    `size` is the number of orders; a company has a tenth as many customers. `floor` is None where a part is shown
    beside the others and held against nothing. `aim` is the ratio that is not to be exceeded. `rows` is what rows a
    second are counted in, where that is not the size; 0 shows none. `against` names the floor where that is not the
    step's.
    """

    step: str
    part: str
    size: int
    ours: Measured | Unfinished
    floor: Measured | Unfinished | None
    aim: float | None = None
    note: str = ""
    rows: int | None = None
    against: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.step, self.part, self.size

    @property
    def ratio(self) -> float | None:
        """Our wall time over the floor's; None unless both finished."""
        return self._ratio("seconds")

    @property
    def cpu_ratio(self) -> float | None:
        """The same of processor time, which other work on the machine moves less."""
        return self._ratio("cpu_seconds")

    def _ratio(self, field: str) -> float | None:
        if not isinstance(self.ours, Measured) or not isinstance(self.floor, Measured):
            return None
        floor = getattr(self.floor, field)
        return getattr(self.ours, field) / floor if floor > 0 else None

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is met; None without an aim. Finishing where the floor does not is enough."""
        if self.aim is None:
            return None
        if isinstance(self.ours, Unfinished):
            return False
        if isinstance(self.floor, Unfinished):
            return True
        return self.ratio is not None and self.ratio <= self.aim

    @property
    def rows_a_second(self) -> float | None:
        rows = self.size if self.rows is None else self.rows
        if isinstance(self.ours, Unfinished) or self.ours.seconds <= 0 or not rows:
            return None
        return rows / self.ours.seconds

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Comparison:
        """The comparison that `to_json` wrote."""
        sides = {name: _side(values[name]) for name in ("ours", "floor")}
        return cls(**{**values, **sides})


def _side(values: dict[str, Any] | None) -> Any:
    if values is None:
        return None
    return Unfinished(**values) if "reason" in values else Measured(**values)


Say = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """One comparison that `make bench` knows.

    `measure` works in a folder of its own, which is empty at first and is removed afterwards, for a number of orders;
    it says what it is about to do, a few words each time, and raises where our rows are not the floor's.
    `fixed_size` is that of a step that does not depend on what was asked for.
    """

    name: str
    title: str
    floor: str
    measure: Callable[[Path, int, Say], list[Comparison]]
    fixed_size: int | None = None


def load_steps() -> tuple[Step, ...]:
    """Every step, in the order in which they run."""
    return tuple(import_module(module).STEP for module in MODULES)
