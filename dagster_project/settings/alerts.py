"""`alerts` of publishing.yaml: who is told of failed runs, failed checks and late data, and what counts as late.

Addresses hold tokens; they come from the environment, STRATA_ALERT_<NAME>, and from nowhere else.
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from dagster_project.settings.sources.parts import SourceName
from dagster_project.settings.yaml_documents import fault

TargetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]


class AlertEvent(StrEnum):
    """What a target can be told of."""

    FAILED_RUN = "failed_run"
    FAILED_CHECK = "failed_check"
    LATE_DATA = "late_data"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AlertTarget(_Model):
    """A place that messages go to; `language` None is that of the installation."""

    name: TargetName
    events: Annotated[tuple[AlertEvent, ...], Field(min_length=1)] = tuple(AlertEvent)
    language: Literal["en", "zh"] | None = None

    @property
    def variable(self) -> str:
        """The environment variable that holds the address."""
        return f"STRATA_ALERT_{self.name}".upper()


class AlertSettings(_Model):
    """Targets, and what counts as late: `late_after` in the business time zone, hours a source may be silent."""

    targets: tuple[AlertTarget, ...] = ()
    late_after: time | None = None
    expected_every_hours: dict[SourceName, Annotated[int, Field(ge=1)]] = {}

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [target.name for target in self.targets]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise fault(f"the target {name} is given twice; keep one.", "targets", position, "name")
        return self

    @property
    def watches_lateness(self) -> bool:
        return self.late_after is not None or bool(self.expected_every_hours)
