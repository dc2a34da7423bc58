"""Dimensions that a company adds: rules tried in order, each a boolean expression over feature columns.

What an expression may say is in expressions.py.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dagster_project.settings.standards.parts import Code, Label, Part, Text
from dagster_project.settings.yaml_documents import fault


def _checked(expression: str) -> str:
    # sqlglot takes 0.2 s to import; a standard without own dimensions does without.
    from dagster_project.settings.standards.expressions import check_expression

    check_expression(expression)
    return expression


class DefaultClass(Part):
    """The class of whoever fits no rule."""

    code: Annotated[Code, Field(alias="class")]
    """Code of the class."""
    label: Label


class OwnRule(DefaultClass):
    """A class and the expression that is true of its customers, unless an earlier rule holds."""

    when: Annotated[Text, AfterValidator(_checked)]
    """A boolean expression over columns of customer_features; an unknown value makes it not true."""


class OwnDimension(Part):
    """A dimension that the standard adds."""

    dimension: Code
    """Code of the dimension."""
    label: Label
    rules: Annotated[tuple[OwnRule, ...], Field(min_length=1)]
    """Tried in this order; the first that is true gives the class."""
    default: DefaultClass

    def classes(self) -> dict[str, Label]:
        """Codes in the order of the rules, the default last, with their labels."""
        return {decided.code: decided.label for decided in (*self.rules, self.default)}

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> Self:
        seen: set[str] = set()
        for index, rule in enumerate(self.rules):
            if rule.code in seen:
                raise fault(
                    f"class {rule.code!r} is given twice; join its conditions with or.", "rules", index, "class"
                )
            seen.add(rule.code)
        if self.default.code in seen:
            raise fault(
                f"class {self.default.code!r} has a rule already; the default needs its own.", "default", "class"
            )
        return self

    @model_validator(mode="after")
    def _every_class_can_be_reached(self) -> Self:
        from dagster_project.settings.standards.reachability import unreachable_rule

        found = unreachable_rule([rule.when for rule in self.rules])
        if found is not None:
            index, why = found
            raise fault(why, "default") if index == len(self.rules) else fault(why, "rules", index, "when")
        return self
