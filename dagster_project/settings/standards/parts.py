"""What the parts of a standard have in common: the base model, numbers, codes and labels.

Nothing here knows a rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dagster_project.settings.yaml_documents import fault

Count = Annotated[int, Field(ge=1)]
Share = Annotated[Decimal, Field(gt=0, lt=1)]
Fraction = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]
Weight = Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=6)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Named = TypeVar("Named", bound=Hashable)


class Part(BaseModel):
    """A part of the standard: never changed once read, and without settings that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, serialize_by_alias=True)


class Label(Part):
    """What people read in place of a code."""

    en: Text
    """English."""
    zh: Text
    """Chinese."""


class CutOf(Part):
    """Cut `cut` of `of`: the smallest value with at least that share of the population at or below it."""

    cut: Count
    """Which of the cuts, from 1 to `of` − 1."""
    of: Annotated[int, Field(ge=2, le=100)]
    """Into how many equal parts the population is cut, 2 to 100."""

    @model_validator(mode="after")
    def _is_one_of_the_cuts(self) -> Self:
        if self.cut >= self.of:
            raise fault(f"cut {self.cut} of {self.of} does not exist; the last one is {self.of - 1}.", "cut")
        return self


def refuse_cuts_that_do_not_rise(name: str, cuts: Sequence[int | Decimal]) -> None:
    """Raises ValueError where a cut is not greater than the one before it."""
    for lower, upper in pairwise(cuts):
        if lower >= upper:
            raise ValueError(f"cuts of {name} must rise; {upper} follows {lower}")


def refuse_doubles(names: Iterable[Named], what: str, *place: int | str) -> None:
    """Raises a fault at the second of two equal names; `place` is where the list stands."""
    seen: Counter[Named] = Counter()
    for index, name in enumerate(names):
        if seen[name]:
            raise fault(f"{what} {name!r} is given twice; keep one.", *place, index)
        seen[name] += 1
