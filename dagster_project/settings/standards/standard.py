"""One version of the company's classification standard, and what its parts must agree on.

What can change a customer's class is fingerprinted into `Standard.version`; words and plans are not. The rules reach
SQL as rows (warehouse/rule_rows.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from dagster_project.settings.standards.agreement import (
    refuse_labels_that_do_not_fit,
    refuse_plans_that_do_not_fit,
    refuse_taken_classes,
    refuse_taken_codes,
)
from dagster_project.settings.standards.classes import (
    CLUSTER,
    FIXED_DIMENSIONS,
    OTHER_CODES,
    UNKNOWN,
    cluster_classes,
)
from dagster_project.settings.standards.lifecycle import Lifecycle, Silence
from dagster_project.settings.standards.matrices import Matrix
from dagster_project.settings.standards.needs import Behaviour, Clusters, Needs, Stability
from dagster_project.settings.standards.own_dimensions import OwnDimension
from dagster_project.settings.standards.parts import Count, Label, Part, Text
from dagster_project.settings.standards.playbook import Playbook
from dagster_project.settings.standards.prediction import Prediction
from dagster_project.settings.standards.rfm import Rfm
from dagster_project.settings.standards.scores import Features, Potential, Urgency
from dagster_project.settings.standards.value import ValueTiers

VERSION_LENGTH = 12
# Context in which a registered standard is read: its words may be older than the labels that are asked for today.
REGISTERED = "registered"
DimensionKind = Literal["fixed", "matrix", "own", "cluster"]

_NOT_IN_THE_VERSION: Any = {
    "name": True,
    "effective_from": True,
    "labels": True,
    "dimension_labels": True,
    "playbook": True,
    "stability": True,
    "own_dimensions": {"__all__": {"label": True, "rules": {"__all__": {"label"}}, "default": {"label"}}},
}


class Standard(Part):
    """The classification standard: what makes a customer valuable, active, silent."""

    name: Text
    """What people call this version."""
    effective_from: date | None = None
    """First day classified by this version; left out, it holds for all days."""
    window_days: Count = 365
    """Length of the rolling window behind recency, frequency, monetary and value."""
    features: Features = Features()
    rfm: Rfm
    lifecycle: Lifecycle
    value: ValueTiers = ValueTiers()
    potential: Potential = Potential()
    urgency: Urgency = Urgency()
    matrices: tuple[Matrix, ...] = ()
    """Any number of matrices, in the order in which reports show them."""
    needs: Needs = Needs()
    behaviour: Behaviour = Behaviour()
    silence: Silence = Silence()
    prediction: Prediction = Prediction()
    clusters: Annotated[
        Clusters | None,
        BeforeValidator(
            lambda given: None if given == "none" else given, json_schema_input_type=Clusters | Literal["none"]
        ),
    ] = None
    """none, or { count: 4, seed: 7 }."""
    own_dimensions: Annotated[tuple[OwnDimension, ...], Field(alias="dimensions")] = ()
    """Dimensions that the company adds."""
    stability: Stability = Stability()
    playbook: Playbook = Playbook()
    dimension_labels: Mapping[str, Label] = {}
    """What people read in place of a dimension's code."""
    labels: Mapping[str, Mapping[str, Label]]
    """What people read in place of a class's code."""

    @property
    def version(self) -> str:
        """Fingerprint of what can change a class: the first 12 hex digits of SHA-256 over the canonical rules."""
        rules = self.model_dump(exclude=_NOT_IN_THE_VERSION)
        canonical = json.dumps(rules, sort_keys=True, separators=(",", ":"), default=_canonical_number)
        return hashlib.sha256(canonical.encode()).hexdigest()[:VERSION_LENGTH]

    def dimensions(self) -> tuple[tuple[str, DimensionKind], ...]:
        """Every dimension's code and kind, in the order in which reports show them."""
        kinds: dict[str, DimensionKind] = dict.fromkeys(FIXED_DIMENSIONS, "fixed")
        kinds |= dict.fromkeys((matrix.matrix for matrix in self.matrices), "matrix")
        kinds |= dict.fromkeys((own.dimension for own in self.own_dimensions), "own")
        if self.clusters is not None:
            kinds[CLUSTER] = "cluster"
        return tuple(kinds.items())

    def classes(self) -> dict[str, tuple[str, ...]]:
        """The classes of every dimension in report order, then the other codes that people read by a label."""
        grid = [segment.segment for segment in self.rfm.grid.segments] if self.rfm.grid is not None else []
        of_dimensions: dict[str, tuple[str, ...]] = {
            **FIXED_DIMENSIONS,
            "rfm_segment": (*dict.fromkeys(grid), *FIXED_DIMENSIONS["rfm_segment"]),
            **{matrix.matrix: (*matrix.quadrants.codes(), UNKNOWN) for matrix in self.matrices},
            **{own.dimension: tuple(own.classes()) for own in self.own_dimensions},
        }
        if self.clusters is not None:
            of_dimensions[CLUSTER] = cluster_classes(self.clusters.count)
        return {**of_dimensions, **OTHER_CODES}

    def label(self, dimension: str, code: str) -> Label | None:
        """What people read in place of a class's code; None where the standard has none."""
        for own in self.own_dimensions:
            if own.dimension == dimension:
                return own.classes().get(code)
        return self.labels.get(dimension, {}).get(code)

    def dimension_label(self, dimension: str) -> Label | None:
        """What people read in place of a dimension's code; None where the standard has none."""
        for own in self.own_dimensions:
            if own.dimension == dimension:
                return own.label
        return self.dimension_labels.get(dimension)

    @model_validator(mode="after")
    def _parts_agree(self, info: ValidationInfo) -> Self:
        refuse_taken_codes(self)
        refuse_taken_classes(self)
        if info.context != REGISTERED:
            refuse_labels_that_do_not_fit(self)
            refuse_plans_that_do_not_fit(self)
        return self


def _canonical_number(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    raise TypeError(f"{value!r} has no canonical form")
