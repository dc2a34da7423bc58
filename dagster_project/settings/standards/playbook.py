"""The playbook: what is done for each class, how much of the budget it gets, and what is said.

Words and plans change nobody's class, hence no version of the standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dagster_project.settings.standards.parts import Count, Fraction, Label, Part, refuse_doubles
from dagster_project.settings.yaml_documents import fault

PlanChannel = Literal["visit", "phone", "wechat", "email", "sms"]
ServiceLevel = Literal["dedicated", "standard", "self_service"]


class TalkingPoints(Part):
    """What is said to these customers, from the thing itself to its proof."""

    feature: Label
    """What it is."""
    advantage: Label
    """What it does better."""
    benefit: Label
    """What the customer gains."""
    evidence: Label
    """What proves it."""


class Plan(Part):
    """What is done for the customers of one class."""

    aim: Label
    """What is to be reached with them."""
    actions: Label
    """What is done for it."""
    channels: Annotated[tuple[PlanChannel, ...], Field(min_length=1)]
    """Ways to reach them, the best first."""
    service_level: ServiceLevel
    """Who looks after them."""
    contact_days: Count
    """Days from one contact to the next."""
    budget_share: Fraction
    """Share of the budget; those of one dimension add up to 1."""
    talking_points: TalkingPoints

    @model_validator(mode="after")
    def _channels_are_distinct(self) -> Self:
        refuse_doubles(self.channels, "channel", "channels")
        return self


class Playbook(Part):
    """Plans by dimension and class."""

    order: tuple[str, ...] = ()
    """The plan beside a customer is that of the first of these dimensions whose class has a plan."""
    budget: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)] = Decimal(0)
    """What resource_allocation splits, reporting currency."""
    plans: Mapping[str, Mapping[str, Plan]] = {}
    """A plan for each class but `unknown` of each dimension named here."""

    @model_validator(mode="after")
    def _dimensions_are_in_order_once(self) -> Self:
        refuse_doubles(self.order, "dimension", "order")
        return self

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        for dimension, plans in self.plans.items():
            total = sum((plan.budget_share for plan in plans.values()), Decimal(0))
            if plans and total != 1:
                raise fault(
                    f"the budget shares of {dimension} add up to {total.normalize():f}; they must add up to 1.",
                    "plans",
                    dimension,
                )
        return self
