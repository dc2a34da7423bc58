"""A standard of the reference as the document that an analyst would write, read by the project.

So that one description of a standard drives both computations. Codes serve as their own labels.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from reference.classification import Grid
from reference.classification import Standard as BaseStandard
from reference.standard import Axis, Clusters, Matrix, OwnDimension, WholeStandard
from warehouse_builder import shipped_standard

from dagster_project.clustering.register import Centre, Fit, Scale, cluster_names, keep_fit
from dagster_project.settings.standards import Standard

OUTSIDE_THE_GRID = ("out_of_window", "prospect", "ungraded")
FITTED_ON = date(2022, 6, 30)


def standard_of(reference: WholeStandard, *, name: str = "made", effective_from: date | None = None) -> Standard:
    """The project's standard that says what the reference's says."""
    return Standard.model_validate(document_of(reference, name=name, effective_from=effective_from))


def keep_clusters(folder: Path, clusters: Clusters) -> None:
    """Keep the clusters in the register as a fit that holds for all days."""
    recency, frequency, monetary = (Scale(mean=scale.mean, deviation=scale.deviation) for scale in clusters.scales)
    fit = Fit(
        fitted_on=FITTED_ON,
        holds_from=None,
        seed=7,
        recency=recency,
        frequency=frequency,
        monetary=monetary,
        centres=tuple(
            Centre(cluster=code, recency=r, frequency=f, monetary=m)
            for code, (r, f, m) in zip(cluster_names(len(clusters.centres)), clusters.centres, strict=True)
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    keep_fit(folder, fit)


def document_of(reference: WholeStandard, *, name: str = "made", effective_from: date | None = None) -> dict[str, Any]:
    """The shipped document with every rule replaced."""
    shipped = _shipped()
    base = reference.base
    labels = {dimension: dict(words) for dimension, words in shipped["labels"].items()}
    dimension_labels = dict(shipped["dimension_labels"])
    kept = {matrix["matrix"]: matrix for matrix in shipped["matrices"]}
    for matrix in reference.matrices:
        if kept.pop(matrix.code, {}).get("quadrants") != _quadrants(matrix):
            dimension_labels[matrix.code] = _label(matrix.code)
            labels[matrix.code] = _labels((*matrix.quadrants, "unknown"))
    for code in kept:  # shipped, but not in this standard
        del labels[code], dimension_labels[code]
    segments = [rule.code for rule in base.grid.rules] if base.grid is not None else []
    labels["rfm_segment"] = _labels((*dict.fromkeys(segments), *OUTSIDE_THE_GRID))
    return {
        **shipped,
        "name": name,
        "effective_from": effective_from,
        "window_days": base.window_days,
        "features": {"premium": _cut_of(reference.premium_cut), "novelty_days": reference.novelty_days},
        "rfm": _rfm(base),
        "lifecycle": _lifecycle(base),
        "value": _value(base),
        "potential": {
            "weights": dict(reference.potential_weights),
            "industry_outlook": dict(reference.industry_outlook),
            "company_sizes": list(reference.company_sizes),
        },
        "urgency": {"close_days": reference.close_days, "stated": dict(reference.stated_urgency)},
        "matrices": [
            {"matrix": matrix.code, "x": _axis(matrix.x), "y": _axis(matrix.y), "quadrants": _quadrants(matrix)}
            for matrix in reference.matrices
        ],
        "needs": {
            "days": reference.need_days,
            "opportunity_stages": list(reference.opportunity_stages),
            "explicit_after": reference.explicit_after,
            "closed_lead_stages": sorted(reference.closed_lead_stages),
            "type_cut": reference.need_type_cut,
        },
        "behaviour": {
            "high_frequency": _cut_of(reference.high_frequency),
            "trial_categories": sorted(reference.trial_categories),
            "at_risk": {
                "drop": reference.at_risk_drop,
                "complaint_days": reference.at_risk_complaint_days,
                "alive_below": reference.at_risk_alive_below,
            },
            "potential_buyer_days": reference.potential_buyer_days,
        },
        "clusters": {"count": len(reference.clusters.centres)} if reference.clusters else "none",
        "dimensions": [_own_dimension(dimension) for dimension in reference.dimensions],
        "stability": {"warn": reference.stability_warn, "fail": reference.stability_fail},
        "playbook": _playbook(shipped["playbook"], without=set(kept), labels=labels, shipped_labels=shipped["labels"]),
        "labels": labels,
        "dimension_labels": dimension_labels,
    }


@cache
def _shipped() -> dict[str, Any]:
    return shipped_standard().model_dump(mode="json", by_alias=True, exclude_none=True)


def _rfm(base: BaseStandard) -> dict[str, Any]:
    thresholds = {"recency": base.r_cuts, "frequency": base.f_cuts, "monetary": base.m_cuts}
    return {
        "method": base.rfm_method,
        "bins": base.rfm_bins,
        "weights": dict(zip(("recency", "frequency", "monetary"), base.rfm_weights, strict=True)),
        "type_cut": base.type_cut,
        **({"thresholds": thresholds} if base.rfm_method == "threshold" else {}),
        "grid": "none" if base.grid is None else _grid(base.grid),
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {"bins": grid.bins, "segments": [{"segment": rule.code, "r": rule.r, "f": rule.f} for rule in grid.rules]}


def _lifecycle(base: BaseStandard) -> dict[str, Any]:
    def rhythm(factor: Decimal, bounds: tuple[int, int]) -> dict[str, Any]:
        return {"multiplier": factor, "at_least": bounds[0], "at_most": bounds[1]}

    return {
        "method": base.lifecycle_method,
        "new_days": base.new_days,
        "reactivated_days": base.reactivated_days,
        "fixed": {"silence_days": base.fixed_silence_days, "churn_days": base.fixed_churn_days},
        "own_rhythm": {
            "minimum_order_days": base.own_rhythm_order_days,
            "silence": rhythm(base.silence_factor, base.silence_bounds),
            "churn": rhythm(base.churn_factor, base.churn_bounds),
        },
        "loyal_order_days": base.loyal_order_days,
    }


def _value(base: BaseStandard) -> dict[str, Any]:
    def cuts(high: Decimal, mid: Decimal) -> dict[str, Decimal]:
        return {"high": high, "mid": mid}

    share, percentile = (
        cuts(Decimal(high) / 100, Decimal(mid) / 100) for high, mid in (base.share_percents, base.percentile_percents)
    )
    return {
        "measure": base.value_measure.removesuffix("_window"),
        "method": base.value_method,
        "share": share,
        "percentile": percentile,
        "threshold": None if base.value_cuts is None else cuts(*base.value_cuts),
    }


def _axis(axis: Axis) -> dict[str, Any]:
    cut = {"quantile": axis.cut[0], "of": axis.cut[1]} if isinstance(axis.cut, tuple) else axis.cut
    return {"measure": axis.measure, "cut": cut}


def _quadrants(matrix: Matrix) -> dict[str, str]:
    return dict(zip(("high_high", "high_low", "low_high", "low_low"), matrix.quadrants, strict=True))


def _own_dimension(dimension: OwnDimension) -> dict[str, Any]:
    return {
        "dimension": dimension.code,
        "label": _label(dimension.code),
        "rules": [{"class": rule.code, "label": _label(rule.code), "when": rule.text} for rule in dimension.rules],
        "default": {"class": dimension.default, "label": _label(dimension.default)},
    }


def _playbook(
    shipped: dict[str, Any], *, without: set[str], labels: dict[str, Any], shipped_labels: dict[str, Any]
) -> dict[str, Any]:
    """The shipped plans of those dimensions whose classes are still the same."""
    plans = {
        dimension: plan
        for dimension, plan in shipped["plans"].items()
        if dimension not in without and labels.get(dimension) == shipped_labels.get(dimension)
    }
    return {**shipped, "order": [code for code in shipped["order"] if code in plans], "plans": plans}


def _cut_of(cut: tuple[int, int]) -> dict[str, int]:
    return {"cut": cut[0], "of": cut[1]}


def _labels(codes: Iterable[str]) -> dict[str, dict[str, str]]:
    return {code: _label(code) for code in codes}


def _label(code: str) -> dict[str, str]:
    return {"en": code, "zh": code}
