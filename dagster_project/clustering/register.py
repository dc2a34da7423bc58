"""The register of cluster fits: one JSON file a fit, kept for good, and which fit holds on which day.

What a fit is made from and how its clusters get their names is said in fitting.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dagster_project.atomic_files import written_beside
from dagster_project.errors import StrataError

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scale(_Part):
    """What makes a logarithm comparable with the others: (ln − mean) / deviation."""

    mean: Finite
    deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Centre(_Part):
    """The middle of a cluster, in standardised logarithms of recency, frequency and monetary value."""

    cluster: Annotated[str, Field(pattern=r"^cluster_[1-9]$")]
    recency: Finite
    frequency: Finite
    monetary: Finite


class Fit(_Part):
    """Centres of one fit, with the standardisation of the customers of the day that it was made from."""

    fitted_on: date
    holds_from: date | None  # None: all days
    seed: int
    recency: Scale
    frequency: Scale
    monetary: Scale
    centres: tuple[Centre, ...]

    @model_validator(mode="after")
    def _names_are_cluster_1_to_n(self) -> Self:
        if [centre.cluster for centre in self.centres] != cluster_names(len(self.centres)):
            raise ValueError("centres must be named cluster_1, cluster_2 and so on, in this order")
        return self


@dataclass(frozen=True)
class KeptFit:
    """A fit with its number; of two that hold from the same day the later number is taken."""

    number: int
    fit: Fit


def cluster_names(count: int) -> list[str]:
    """cluster_1 to cluster_`count`."""
    return [f"cluster_{number}" for number in range(1, count + 1)]


def read_fits(folder: Path) -> list[KeptFit]:
    """All kept fits in their order.

    Raises:
        StrataError: a file of the register is not a fit.
    """
    kept = []
    for path in sorted(folder.glob("[0-9]*.json")):
        try:
            kept.append(KeptFit(number=int(path.stem), fit=Fit.model_validate_json(path.read_bytes())))
        except ValueError as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise StrataError(
                f"{path} is not a fit of clusters: {reason}. Restore it from a backup; the days after it are built "
                "from it."
            ) from None
    return kept


def keep_fit(folder: Path, fit: Fit) -> KeptFit:
    """Add `fit` to the register and return it with its number; a fit made again from the same is not kept twice."""
    kept = read_fits(folder)
    if kept and kept[-1].fit == fit.model_copy(update={"holds_from": kept[-1].fit.holds_from}):
        return kept[-1]
    number = kept[-1].number + 1 if kept else 1
    with written_beside(folder / f"{number:06d}.json") as beside:
        beside.write_text(fit.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return KeptFit(number, fit)


def fit_on(day: date, count: int, kept: list[KeptFit]) -> KeptFit | None:
    """The fit of `count` clusters that holds on `day`: the greatest holds_from not after it, the later of equals."""
    holding = [entry for entry in kept if len(entry.fit.centres) == count and (entry.fit.holds_from or date.min) <= day]
    return max(holding, key=lambda entry: (entry.fit.holds_from or date.min, entry.number), default=None)


def cluster_rows(folder: Path, counts: Mapping[date, int | None]) -> dict[str, list[dict[str, Any]]]:
    """Rows of control.cluster_days and control.cluster_centres, by table.

    `counts` gives for each day how many clusters its standard asks for, None for a standard without them. A day for
    which nothing is fitted yet has no row, and its customers are in cluster `unknown`.
    """
    kept = read_fits(folder) if any(counts.values()) else []
    chosen = {day: entry for day, count in counts.items() if count and (entry := fit_on(day, count, kept))}
    used = {entry.number: entry.fit for entry in chosen.values()}
    return {
        "cluster_days": [{"as_of_date": day, "fit": entry.number} for day, entry in sorted(chosen.items())],
        "cluster_centres": [
            {
                "fit": number,
                "cluster": centre.cluster,
                "recency_mean": fit.recency.mean,
                "recency_deviation": fit.recency.deviation,
                "frequency_mean": fit.frequency.mean,
                "frequency_deviation": fit.frequency.deviation,
                "monetary_mean": fit.monetary.mean,
                "monetary_deviation": fit.monetary.deviation,
                "recency_centre": centre.recency,
                "frequency_centre": centre.frequency,
                "monetary_centre": centre.monetary,
            }
            for number, fit in sorted(used.items())
            for centre in fit.centres
        ],
    }
