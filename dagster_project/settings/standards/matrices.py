"""Matrices: two measures, each high or low against a cut, and the four quadrants they make."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dagster_project.settings.standards.feature_columns import AXIS_MEASURES, FEATURE_COLUMNS
from dagster_project.settings.standards.parts import Code, Count, Part
from dagster_project.settings.yaml_documents import did_you_mean, fault


class QuantileCut(Part):
    """Cut `quantile` of `of`: the smallest value with at least that share of the scored customers at or below it."""

    quantile: Count
    """Which of the cuts, from 1 to `of` − 1."""
    of: Annotated[int, Field(ge=2, le=100)]
    """Into how many equal parts the scored customers are cut, 2 to 100."""

    @model_validator(mode="after")
    def _is_one_of_the_cuts(self) -> Self:
        if self.quantile >= self.of:
            raise fault(f"cut {self.quantile} of {self.of} does not exist; the last one is {self.of - 1}.", "quantile")
        return self


def _kind_of_cut(given: Any) -> str:
    if isinstance(given, dict | QuantileCut):
        return "dict[quantile]"
    try:
        Decimal(str(given))
    except InvalidOperation:
        return "literal[method]"
    return "constrained-decimal[number]"


# The tags look like pydantic's names of a union's branches, which an error does not show in the place.
Cut = Annotated[
    Annotated[Literal["mean", "median"], Tag("literal[method]")]
    | Annotated[QuantileCut, Tag("dict[quantile]")]
    | Annotated[Decimal, Field(max_digits=24, decimal_places=6), Tag("constrained-decimal[number]")],
    Discriminator(_kind_of_cut),
]


class Axis(Part):
    """A measure that is high where it is at least its cut."""

    measure: Annotated[str, Field(json_schema_extra={"enum": list(AXIS_MEASURES)})]
    """A numeric column of customer_features, or value_score, potential_score or urgency_score."""
    cut: Cut
    """mean · median · { quantile: 9, of: 10 } · a number; taken over customers with an order in the window."""

    @property
    def cut_method(self) -> Literal["mean", "median", "quantile", "number"]:
        """How the cut is made."""
        if isinstance(self.cut, QuantileCut):
            return "quantile"
        return "number" if isinstance(self.cut, Decimal) else self.cut

    @field_validator("measure")
    @classmethod
    def _is_a_number(cls, measure: str) -> str:
        if measure in AXIS_MEASURES:
            return measure
        if measure in FEATURE_COLUMNS:
            raise fault(f"{measure!r} is a {FEATURE_COLUMNS[measure]}; an axis needs a number.")
        raise fault(f"there is no measure {measure!r}{did_you_mean(measure, AXIS_MEASURES)}")


class Quadrants(Part):
    """Codes of the four quadrants, x first; their labels stand under labels and the matrix's code."""

    high_high: Code
    """x high, y high."""
    high_low: Code
    """x high, y low."""
    low_high: Code
    """x low, y high."""
    low_low: Code
    """x low, y low."""

    def codes(self) -> tuple[str, str, str, str]:
        """high_high, high_low, low_high, low_low."""
        return self.high_high, self.high_low, self.low_high, self.low_low

    @model_validator(mode="after")
    def _are_four(self) -> Self:
        seen: dict[str, str] = {}
        for corner, code in zip(("high_high", "high_low", "low_high", "low_low"), self.codes(), strict=True):
            if code in seen:
                raise fault(f"{code!r} is the code of {seen[code]} already; give four different codes.", corner)
            seen[code] = corner
        return self


class Matrix(Part):
    """Two axes and four quadrants; a customer with an unknown axis is `unknown`."""

    matrix: Code
    """Code of the matrix, a dimension of its own."""
    x: Axis
    y: Axis
    quadrants: Quadrants
