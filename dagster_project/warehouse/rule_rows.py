"""Standards as rows of the control tables, and their own dimensions as one SQL macro.

Rules are keyed by standard_version, so that a run may cross a change of standard. Words, plans and the order of
dimensions are those of the configured standard; what only an older one names follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dagster_project.settings.publishing import Language
from dagster_project.settings.standards import Label, OwnDimension, QuantileCut, Standard

Row = dict[str, Any]


def rule_rows(standards: Sequence[Standard]) -> dict[str, list[Row]]:
    """Rows of every table that is keyed by standard_version, from different standards in order of registration."""
    makers = {
        "rfm_thresholds": _threshold_rows,
        "rfm_grid": _grid_rows,
        "return_bands": _band_rows,
        "industry_outlooks": _industry_rows,
        "company_sizes": _company_size_rows,
        "opportunity_stages": _stage_rows,
        "closed_lead_stages": _closed_lead_rows,
        "trial_categories": _trial_rows,
        "matrix_axes": _axis_rows,
        "matrix_quadrants": _quadrant_rows,
        "own_dimensions": _own_dimension_rows,
        "own_rules": _own_rule_rows,
    }
    tables = {
        table: [{"standard_version": standard.version, **row} for standard in standards for row in make(standard)]
        for table, make in makers.items()
    }
    scalars = [
        {"standard_version": standard.version, "registration": registration, **_scalars(standard)}
        for registration, standard in enumerate(standards, start=1)
    ]
    return {"standards": scalars, **tables}


def word_rows(configured: Standard, registered: Sequence[Standard], language: Language) -> dict[str, list[Row]]:
    """Rows of labels, dimensions, plans and budget; older standards name only what `configured` does not."""
    asked = [configured, *reversed(registered)]
    labels: dict[tuple[str, str], Label] = {}
    dimensions: dict[str, tuple[str, Label]] = {}
    for standard in asked:
        for dimension, kind in standard.dimensions():
            if (label := standard.dimension_label(dimension)) is not None:
                dimensions.setdefault(dimension, (kind, label))
        for dimension, classes in standard.classes().items():
            for code in classes:
                if (label := standard.label(dimension, code)) is not None:
                    labels.setdefault((dimension, code), label)
    ordinals: dict[str, int] = {}
    label_rows = []
    for (dimension, code), label in labels.items():
        ordinals[dimension] = ordinals.get(dimension, 0) + 1
        label_rows.append(
            {"dimension": dimension, "code": code, "ordinal": ordinals[dimension], **_words(label, language)}
        )
    return {
        "labels": label_rows,
        "dimensions": [
            {"dimension": dimension, "position": position, "kind": kind, **_words(label, language)}
            for position, (dimension, (kind, label)) in enumerate(dimensions.items(), start=1)
        ],
        "plans": list(_plan_rows(configured)),
        "budget": [{"budget": configured.playbook.budget}],
    }


def own_rule_macro(standards: Sequence[Standard]) -> str:
    """The statement that creates `control.own_rule(standard_version, dimension, features)`.

    It gives the number of the first rule that is true of the row `features`, 0 where none is.
    """
    cases = [
        f"when standard_version = '{standard.version}' and dimension = '{own.dimension}' then case {rules} else 0 end"
        for standard in standards
        for own in standard.own_dimensions
        for rules in [" ".join(f"when {sql} then {number}" for number, _, sql in _expressions(own, "features"))]
    ]
    body = f"case {' '.join(cases)} else 0 end" if cases else "0"
    return f"create or replace macro control.own_rule(standard_version, dimension, features) as {body}"


def _scalars(standard: Standard) -> Row:
    rfm, life, value, silence = standard.rfm, standard.lifecycle, standard.value, standard.silence
    rhythm, features, behaviour = life.own_rhythm, standard.features, standard.behaviour
    return {
        "name": standard.name,
        "effective_from": standard.effective_from,
        "window_days": standard.window_days,
        "rfm_method": rfm.method,
        "rfm_bins": rfm.bins,
        "type_cut": rfm.type_cut,
        "has_grid": rfm.grid is not None,
        "recency_weight": rfm.weights.recency,
        "frequency_weight": rfm.weights.frequency,
        "monetary_weight": rfm.weights.monetary,
        "lifecycle_method": life.method,
        "new_days": life.new_days,
        "reactivated_days": life.reactivated_days,
        "fixed_silence_days": life.fixed.silence_days,
        "fixed_churn_days": life.fixed.churn_days,
        "minimum_order_days": rhythm.minimum_order_days,
        "silence_multiplier": rhythm.silence.multiplier,
        "silence_at_least": rhythm.silence.at_least,
        "silence_at_most": rhythm.silence.at_most,
        "churn_multiplier": rhythm.churn.multiplier,
        "churn_at_least": rhythm.churn.at_least,
        "churn_at_most": rhythm.churn.at_most,
        "loyal_order_days": life.loyal_order_days,
        "value_measure": value.measure,
        "value_method": value.method,
        "value_high_cut": value.cuts.high,
        "value_mid_cut": value.cuts.mid,
        "maximum_recency_days": silence.maximum_recency_days,
        "complaint_days": silence.complaint_days,
        "price_share": silence.price_share,
        "seasonal_order_days": silence.seasonal.order_days,
        "seasonal_years": silence.seasonal.years,
        "seasonal_share": silence.seasonal.share,
        "fading_gaps": silence.fading_gaps,
        "return_month_ends": silence.return_rate.month_ends,
        "return_horizon_days": silence.return_rate.horizon_days,
        "return_prior_weight": silence.return_rate.prior_weight,
        "premium_cut": features.premium.cut,
        "premium_bins": features.premium.of,
        "novelty_days": features.novelty_days,
        **{f"{factor}_weight": weight for factor, weight in standard.potential.weights},
        "close_days": standard.urgency.close_days,
        **{f"{urgency}_urgency": counts_for for urgency, counts_for in standard.urgency.stated},
        "need_days": standard.needs.days,
        "need_type_cut": standard.needs.type_cut,
        "high_frequency_cut": behaviour.high_frequency.cut,
        "high_frequency_bins": behaviour.high_frequency.of,
        "at_risk_drop": behaviour.at_risk.drop,
        "at_risk_complaint_days": behaviour.at_risk.complaint_days,
        "at_risk_alive_below": behaviour.at_risk.alive_below,
        "potential_buyer_days": behaviour.potential_buyer_days,
        "purchase_model": standard.prediction.model,
        "has_level_correction": standard.prediction.level_correction,
        "refit_days": standard.prediction.refit_days,
        "least_buyers": standard.prediction.least_buyers,
        "least_repeat_buyers": standard.prediction.least_repeat_buyers,
        "yearly_discount": standard.prediction.yearly_discount,
        "has_clusters": standard.clusters is not None,
        "stability_warn": standard.stability.warn,
        "stability_fail": standard.stability.fail,
    }


def _threshold_rows(standard: Standard) -> Iterator[Row]:
    if standard.rfm.thresholds is not None:
        for measure, cuts in standard.rfm.thresholds:
            for number, cut in enumerate(cuts, start=1):
                yield {"measure": measure, "cut_number": number, "cut_value": Decimal(cut)}


def _grid_rows(standard: Standard) -> Iterator[Row]:
    if standard.rfm.grid is not None:
        for (r, f), segment in sorted(standard.rfm.grid.assignment().items()):
            yield {"r_score": r, "f_score": f, "rfm_segment": segment}


def _band_rows(standard: Standard) -> Iterator[Row]:
    learning = standard.silence.return_rate
    for measure, bounds in (("silence_ratio", learning.ratio_bands), ("order_count", learning.order_bands)):
        for number, bound in enumerate(bounds, start=1):
            yield {"measure": measure, "band": number, "lower_bound": bound}


def _industry_rows(standard: Standard) -> Iterator[Row]:
    for industry, outlook in standard.potential.industry_outlook.items():
        yield {"industry": industry, "outlook": outlook}


def _company_size_rows(standard: Standard) -> Iterator[Row]:
    for position, size in enumerate(standard.potential.company_sizes, start=1):
        yield {"company_size": size, "position": position}


def _stage_rows(standard: Standard) -> Iterator[Row]:
    explicit = standard.needs.explicit_stages()
    for position, stage in enumerate(standard.needs.opportunity_stages, start=1):
        yield {"stage": stage, "position": position, "is_explicit": stage in explicit}


def _closed_lead_rows(standard: Standard) -> Iterator[Row]:
    for stage in standard.needs.closed_lead_stages:
        yield {"stage": stage}


def _trial_rows(standard: Standard) -> Iterator[Row]:
    for category in standard.behaviour.trial_categories:
        yield {"category": category}


def _axis_rows(standard: Standard) -> Iterator[Row]:
    for position, matrix in enumerate(standard.matrices, start=1):
        for name, axis in (("x", matrix.x), ("y", matrix.y)):
            yield {
                "matrix": matrix.matrix,
                "position": position,
                "axis": name,
                "measure": axis.measure,
                "cut_method": axis.cut_method,
                "cut_value": axis.cut if isinstance(axis.cut, Decimal) else None,
                "cut_number": axis.cut.quantile if isinstance(axis.cut, QuantileCut) else None,
                "cut_bins": axis.cut.of if isinstance(axis.cut, QuantileCut) else None,
            }


def _quadrant_rows(standard: Standard) -> Iterator[Row]:
    for matrix in standard.matrices:
        corners = ((True, True), (True, False), (False, True), (False, False))
        for (is_x_high, is_y_high), quadrant in zip(corners, matrix.quadrants.codes(), strict=True):
            yield {
                "matrix": matrix.matrix,
                "is_x_high": is_x_high,
                "is_y_high": is_y_high,
                "quadrant": quadrant,
            }


def _own_dimension_rows(standard: Standard) -> Iterator[Row]:
    for position, own in enumerate(standard.own_dimensions, start=1):
        yield {"dimension": own.dimension, "position": position, "default_class": own.default.code}


def _own_rule_rows(standard: Standard) -> Iterator[Row]:
    for own in standard.own_dimensions:
        for number, code, sql in _expressions(own):
            yield {"dimension": own.dimension, "rule_number": number, "class": code, "expression": sql}


def _expressions(own: OwnDimension, row: str | None = None) -> Iterator[tuple[int, str, str]]:
    """Number, class and SQL of each rule."""
    # sqlglot takes 0.2 s to import; a standard without own dimensions does without.
    from dagster_project.settings.standards.expressions import expression_sql

    for number, rule in enumerate(own.rules, start=1):
        yield number, rule.code, expression_sql(rule.when, row)


def _plan_rows(standard: Standard) -> Iterator[Row]:
    playbook = standard.playbook
    positions = {dimension: position for position, dimension in enumerate(playbook.order, start=1)}
    classes = standard.classes()
    for dimension, plans in playbook.plans.items():
        for code, plan in plans.items():
            if code not in classes[dimension]:
                continue  # of a segment that the grid does not use
            yield {
                "dimension": dimension,
                "dimension_position": positions.get(dimension),
                "class": code,
                **_both("aim", plan.aim),
                **_both("actions", plan.actions),
                "channels": ", ".join(plan.channels),
                "service_level": plan.service_level,
                "contact_days": plan.contact_days,
                "budget_share": plan.budget_share,
                **{
                    column: words
                    for point, label in plan.talking_points
                    for column, words in _both(point, label).items()
                },
            }


def _both(name: str, label: Label) -> Mapping[str, str]:
    return {f"{name}_en": label.en, f"{name}_zh": label.zh}


def _words(label: Label, language: Language) -> Mapping[str, str]:
    return {"label_en": label.en, "label_zh": label.zh, "label": getattr(label, language.value)}
