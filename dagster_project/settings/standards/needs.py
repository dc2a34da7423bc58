"""Needs and behaviour: what customers are asking for, and the flags that a sales team acts on."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from dagster_project.settings.standards.parts import Count, CutOf, Fraction, Part, Text, refuse_doubles
from dagster_project.settings.yaml_documents import did_you_mean, fault


class Needs(Part):
    """Clarity, type and motive of needs."""

    days: Count = 30
    """Views, carts and the like count for so many days."""
    opportunity_stages: tuple[Text, ...] = ()
    """Stages of an open opportunity in their order, as the CRM names them."""
    explicit_after: Text | None = None
    """An open opportunity in a later stage than this one shows an explicit need."""
    closed_lead_stages: tuple[Text, ...] = ()
    """Stages in which a lead is no longer open, as the CRM names them."""
    type_cut: Fraction = Decimal("0.75")
    """A need type is decided from this percentile on; below it the customer is balanced."""

    @field_validator("opportunity_stages", "closed_lead_stages")
    @classmethod
    def _are_distinct(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        refuse_doubles(stages, "stage")
        return stages

    @model_validator(mode="after")
    def _explicit_after_a_stage(self) -> Self:
        stage, stages = self.explicit_after, self.opportunity_stages
        if stage is not None and stage not in stages:
            raise fault(
                f"there is no stage {stage!r} in opportunity_stages{did_you_mean(stage, stages)}", "explicit_after"
            )
        return self

    def explicit_stages(self) -> frozenset[str]:
        """The stages after `explicit_after`; none where it is not given."""
        if self.explicit_after is None:
            return frozenset()
        return frozenset(self.opportunity_stages[self.opportunity_stages.index(self.explicit_after) + 1 :])


class AtRisk(Part):
    """A regular customer who is about to leave; any of the three is enough."""

    drop: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)] = Decimal("0.5")
    """Orders of the last 90 days are at most this share of those of the 90 days before."""
    complaint_days: Count = 30
    """A complaint within so many days."""
    alive_below: Fraction = Decimal("0.5")
    """The predicted probability to be alive is below this."""


class Behaviour(Part):
    """Behaviour flags, which stand beside the classes."""

    high_frequency: CutOf = CutOf(cut=9, of=10)
    """More orders in the window than this cut over the customers with an order in the window."""
    trial_categories: tuple[Text, ...] = ()
    """Product categories that are bought on trial; a trial converts with an order of another category."""
    at_risk: AtRisk = AtRisk()
    potential_buyer_days: Count = 30
    """A view or a cart within so many days, and no order ever."""

    @field_validator("trial_categories")
    @classmethod
    def _are_distinct(cls, categories: tuple[str, ...]) -> tuple[str, ...]:
        refuse_doubles(categories, "category")
        return categories


class Clusters(Part):
    """k-means over recency, frequency and monetary; a dimension of its own."""

    count: Annotated[int, Field(ge=2, le=9)]
    """Number of clusters, 2 to 9."""
    seed: Annotated[int, Field(ge=0)] = 7
    """Start of the random numbers, so that a fit is repeated exactly."""


class Stability(Part):
    """Limits of the population stability index against the last month end."""

    warn: Annotated[Decimal, Field(gt=0, decimal_places=6, max_digits=9)] = Decimal("0.1")
    """From this index on the day's report warns."""
    fail: Annotated[Decimal, Field(gt=0, decimal_places=6, max_digits=9)] = Decimal("0.25")
    """From this index on the check fails."""

    @model_validator(mode="after")
    def _warn_first(self) -> Self:
        if self.warn >= self.fail:
            raise fault(f"warn ({self.warn}) must be smaller than fail ({self.fail}).", "warn")
        return self
