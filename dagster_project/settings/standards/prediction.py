"""What customers will bring: which purchase model is fitted, how often, and when there is too little to learn from."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from dagster_project.settings.standards.parts import Count, Part


class Prediction(Part):
    """The purchase and spend models, fitted to the company's own order days."""

    model: Literal["mbg_nbd", "bg_nbd", "pareto_nbd", "last_90_days", "rfm_cells", "none"] = "mbg_nbd"
    """mbg_nbd: may leave after any purchase · bg_nbd: only after a repeated one · pareto_nbd: at any time ·
    last_90_days: the same again · rfm_cells: the mean of who stood in the same R, F and M 90 days before · none."""
    level_correction: bool = True
    """What is expected of 90 days is corrected by actual / predicted of the latest month end that can be checked."""
    refit_days: Annotated[int, Field(ge=1, le=366)] = 7
    """Fitted anew every so many days, counted from a Sunday; the days between are predicted with the last fit."""
    least_buyers: Count = 200
    """With fewer customers who ever bought, nothing is predicted."""
    least_repeat_buyers: Count = 100
    """With fewer customers who bought on two days or more, nothing is predicted."""
    yearly_discount: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)] = Decimal(0)
    """How much less money of a year later is worth; 0: expected value is not discounted."""
