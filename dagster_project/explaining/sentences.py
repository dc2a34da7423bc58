"""A class's reasons as one sentence: the rule's own words, filled with the customer's numbers and the cuts they met."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from dagster_project.explaining.content import DecidedClass, Explanation, Reason
from dagster_project.explaining.words import Words

MONEY = frozenset(
    {
        "revenue",
        "margin",
        "average_order_value",
        "revenue_window",
        "margin_window",
        "revenue_90d",
        "revenue_prior_90d",
        "open_opportunity_value",
    }
)
SHARES = frozenset(
    {"discount_share", "refund_share", "premium_share", "novelty_share", "share_above", "type_percentile"}
)
# R, F and M in their order; the axes of a matrix come in the order in which the day's cuts name them.
MEASURES_IN_ORDER = ("recency_days", "order_count_window", "revenue_window")
OWN_RULE = "own_rule_"
DIGITS_AT_MOST = 6


class Sentences:
    """Writes the reasons of one explanation in one language."""

    def __init__(self, explanation: Explanation, words: Words, currency: str) -> None:
        self._told = explanation
        self._words = words
        self._currency = currency

    def why(self, decided: DecidedClass) -> str:
        """Why the customer is in this class; nothing where the reasons are not known."""
        if not decided.reasons:
            return ""
        reason = self._deciding(decided)
        rule = reason.rule
        if rule.startswith(OWN_RULE):
            number = rule.removeprefix(OWN_RULE)
            expression = self._told.own_rules.get((decided.dimension, int(number)), "")
            return self._words("rule.own_rule", number=number, expression=expression)
        value, cut = self._pair(reason)
        return self._words(
            f"rule.{rule}",
            value=value,
            cut=cut,
            comparison=self._words(f"comparison.{reason.comparison}") if reason.comparison in _COMPARED else "",
            measure=self._words.or_code("measure", reason.measure or ""),
            clauses=self._words.listed(
                [self._clause(decided, each) for each in self._ordered(decided)], separator="; "
            ),
            scores=self._scores(),
            basis=self._basis(rule),
            silent=self._value_of(decided, "days_silent"),
            window=self._standard("window_days"),
            own_value=self._own_value(decided),
        )

    def number(self, measure: str, value: Decimal, digits: int | None = None) -> str:
        """A value as people read it: money with its currency, a share in per cent, days and counts plain."""
        if measure in SHARES:
            return f"{_rounded(value * 100, 1 if digits is None else max(digits - 2, 1))}%"
        if measure in MONEY:
            return f"{_rounded(value, max(digits or 0, 2), keep_zeros=True)} {self._currency}"
        return _rounded(value, 1 if digits is None else digits)

    def _deciding(self, decided: DecidedClass) -> Reason:
        """The reason whose value and cut the sentence is about: that of percentiles and limits, else the first."""
        named = {reason.measure: reason for reason in decided.reasons}
        return named.get("type_percentile") or named.get("recency_days") or decided.reasons[0]

    def _ordered(self, decided: DecidedClass) -> list[Reason]:
        axes = [measure for dimension, measure in self._told.cut_methods if dimension == decided.dimension]
        order: list[str | None] = [*(axes or MEASURES_IN_ORDER)]
        return sorted(
            decided.reasons,
            key=lambda reason: order.index(reason.measure) if reason.measure in order else len(order),
        )

    def _clause(self, decided: DecidedClass, reason: Reason) -> str:
        measure = self._words.or_code("measure", reason.measure or "")
        if reason.value is None:
            return self._words("clause_unknown", measure=measure)
        value, cut = self._pair(reason)
        if reason.comparison not in _COMPARED or reason.cut is None:
            return self._words("clause_alone", measure=measure, value=value)
        method = self._told.cut_methods.get((decided.dimension, reason.measure or ""), "number")
        if reason.rule.startswith("typed_by_"):
            method = reason.rule.removeprefix("typed_by_")
        elif reason.rule in ("scored_by_mean", "scored_by_median"):
            method = reason.rule.removeprefix("scored_by_")
        said = self._words(f"cut.{method}", cut=cut)
        comparison = self._words(f"comparison.{reason.comparison}")
        return self._words("clause", measure=measure, value=value, comparison=comparison, cut=said)

    def _pair(self, reason: Reason) -> tuple[str, str]:
        """Value and cut with as many digits as are needed to tell them apart; a highest percentile of nothing is 0."""
        measure, value, cut = reason.measure or "", reason.value, reason.cut
        if value is None or cut is None:
            return (
                self.number(measure, value or Decimal(0)),
                "" if cut is None else self.number(measure, cut),
            )
        shown = self.number(measure, value), self.number(measure, cut)
        digits = 2
        while value != cut and shown[0] == shown[1] and digits <= DIGITS_AT_MOST:
            shown = self.number(measure, value, digits), self.number(measure, cut, digits)
            digits += 1
        return shown

    def _scores(self) -> str:
        segments = self._told.segments
        return f"R{segments.get('r_score')} F{segments.get('f_score')}"

    def _value_of(self, decided: DecidedClass, measure: str) -> str:
        for reason in decided.reasons:
            if reason.measure == measure and reason.value is not None:
                return self.number(measure, reason.value)
        return ""

    def _own_value(self, decided: DecidedClass) -> str:
        """The measure behind a standing among others: the value that was tiered, or what a need was seen by."""
        if decided.dimension == "value_tier":
            measure, value = f"{self._told.value.get('value_measure')}_window", self._told.value.get("value")
        else:
            behind = [reason for reason in decided.reasons if reason.measure != "type_percentile"]
            measure, value = (str(behind[0].measure), behind[0].value) if behind else ("", None)
        if value is None:
            return ""
        return self._words(
            "clause_alone", measure=self._words.or_code("measure", measure), value=self.number(measure, value)
        )

    def _basis(self, rule: str) -> str:
        """Where a limit of silence comes from, in brackets."""
        limit = {
            "returned_after_silence": "silence",
            "recency_within_silence_limit": "silence",
            "recency_within_churn_limit": "churn",
            "recency_beyond_churn_limit": "churn",
        }.get(rule)
        source = self._told.lifecycle.get("limit_basis")
        if limit is None or source is None:
            return ""
        days: Decimal | None = self._told.lifecycle.get(f"{limit}_limit_days")
        multiplier: Decimal | None = self._told.standard.get(f"{limit}_multiplier")
        if source != "fixed" and (days is None or multiplier is None):
            return ""
        gap: Decimal | None = self._told.features.get("median_gap_days")
        return self._words(
            f"basis.{source}",
            multiplier=_rounded(multiplier or Decimal(0), 4),
            gap=_rounded(gap or Decimal(0), 1),
            bound=self._bound(limit, days),
        )

    def _bound(self, limit: str, days: Decimal | None) -> str:
        for bound in ("at_least", "at_most"):
            if days is not None and days == self._told.standard.get(f"{limit}_{bound}"):
                return self._words(f"bound.{bound}", days=_rounded(days, 0))
        return ""

    def _standard(self, name: str) -> str:
        return str(self._told.standard.get(name, ""))


_COMPARED = frozenset({">=", "<=", ">", "<"})


def _rounded(value: Decimal | int, digits: int, *, keep_zeros: bool = False) -> str:
    """At most `digits` digits after the point, none that say nothing; with `keep_zeros` exactly so many."""
    shown = f"{Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"
    return shown if keep_zeros or "." not in shown else shown.rstrip("0").rstrip(".")
