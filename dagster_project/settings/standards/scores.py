"""What the scores are made of: features that need a rule of their own, potential and urgency."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Self

from pydantic import field_validator, model_validator

from dagster_project.settings.standards.parts import Count, CutOf, Fraction, Part, Text, Weight, refuse_doubles
from dagster_project.settings.yaml_documents import fault


class Features(Part):
    """Features whose meaning is the company's to decide."""

    premium: CutOf = CutOf(cut=3, of=4)
    """A line is premium above this cut of the unit prices of its category in the window."""
    novelty_days: Count = 90
    """A line is of a new product so many days after its launch."""


class PotentialWeights(Part):
    """Weights of the factors of potential_score; a factor of weight 0 does not count."""

    expected_value: Weight = Decimal(1)
    """Percentile of the value expected of the next 365 days."""
    growth: Weight = Decimal(1)
    """Revenue of the last 90 days against that of the 90 days before."""
    industry_outlook: Weight = Decimal(1)
    """Outlook of the customer's industry, as given below."""
    company_size: Weight = Decimal(1)
    """Percentile of the company's size in the list below."""
    opportunity: Weight = Decimal(1)
    """Percentile of open opportunities: amount × probability."""
    independence: Weight = Decimal(1)
    """1 − closeness to competitors."""

    @model_validator(mode="after")
    def _some_factor_counts(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError("every weight is 0; give at least one factor a weight above 0")
        return self


class Potential(Part):
    """potential_score = 100 × weighted mean of the known factors; unknown where none is known."""

    weights: PotentialWeights = PotentialWeights()
    industry_outlook: Mapping[Text, Fraction] = {}
    """Industry as customer records name it: 0 (no prospects) to 1."""
    company_sizes: tuple[Text, ...] = ()
    """Company sizes as customer records name them, smallest first."""

    @field_validator("company_sizes")
    @classmethod
    def _are_distinct(cls, sizes: tuple[str, ...]) -> tuple[str, ...]:
        refuse_doubles(sizes, "company size")
        return sizes


class StatedUrgency(Part):
    """What the urgency stated on an opportunity counts for, 0 to 1."""

    high: Fraction = Decimal(1)
    """Of an opportunity stated as highly urgent."""
    medium: Fraction = Decimal("0.5")
    """Of an opportunity of medium urgency."""
    low: Fraction = Decimal(0)
    """Of an opportunity of low urgency."""

    @model_validator(mode="after")
    def _fall(self) -> Self:
        if not self.high >= self.medium >= self.low:
            raise fault(
                f"must not rise from high to low; it has high {self.high}, medium {self.medium}, low {self.low}."
            )
        return self


class Urgency(Part):
    """urgency_score = 100 × the largest known of: close of an open opportunity, stated urgency, complaint, silence."""

    close_days: Count = 30
    """A close so many days ahead is not urgent at all; one that is due is most urgent."""
    stated: StatedUrgency = StatedUrgency()
