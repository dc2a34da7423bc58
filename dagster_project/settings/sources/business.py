"""What holds for the whole company, and for every landing."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from dagster_project.settings.sources.parts import CurrencyCode, Part, Share, TimeZoneName


class Business(Part):
    """What holds for the whole company."""

    time_zone: TimeZoneName
    currency: CurrencyCode
    default_country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    history_starts_on: date
    sample: Literal["complete_journey"] | None = None
    exchange_rate_max_age_days: Annotated[int, Field(ge=0)] = 7


class LandingLimits(Part):
    """Share of bad rows, of rows read without those excluded by rule, above which a file is not landed."""

    bad_rows_limit: Share = 0.02
