"""What customers are expected to bring, and how far such expectations came true."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.classes import ClassCount
from dagster_project.report.content.outlook import Foretold
from dagster_project.report.sections.pieces import cells_of, chart_place, columns_of, note_of, section_of, table_of
from dagster_project.report.words import Words

UNCORRECTED = Decimal(1)


def outlook_section(content: ReportContent, words: Words) -> str:
    """A table a dimension: who is expected to order, and to bring how much."""
    outlook = content.outlook
    missing = words.listed(
        [f"{numbers.whole(count)} {words.or_code('missing', reason)}" for reason, count in outlook.missing.items()]
    )
    if not outlook.expected or outlook.fitted_on is None:
        return section_of("outlook", words, words("outlook_none", reasons=missing or numbers.NONE), "")
    note = words(
        "outlook_note",
        model=words.or_code("predictor", outlook.model or ""),
        day=numbers.long_day(outlook.fitted_on, words.language),
    )
    after = [words("outlook_missing", reasons=missing)] if missing else []
    if outlook.corrected_from is not None and outlook.value_correction != UNCORRECTED:
        after.append(
            words(
                "outlook_corrected",
                factor=numbers.decimals(outlook.value_correction, 2),
                day=numbers.long_day(outlook.corrected_from, words.language),
            )
        )
    tables = _by_class(content, "lifecycle_stage", content.stages, words) + _by_class(
        content, "value_tier", content.tiers, words
    )
    return section_of("outlook", words, note, tables, " ".join(after))


def foretold_section(content: ReportContent, words: Words) -> str:
    """The newest month end that can be checked: predictors side by side, gains, and chances against what came."""
    proof = content.predictions_proof
    if proof is None:
        return section_of("foretold", words, words("foretold_none"), "")
    rows = [
        cells_of(
            [
                words.or_code("predictor", each.predictor) + (" *" if each.is_published else ""),
                _error(each.purchases_error),
                _error(each.value_error),
                numbers.NONE if each.rank_correlation is None else numbers.decimals(each.rank_correlation, 2),
                numbers.share(each.top_tenth_share),
                f"{each.wins} · {each.wins_in_all}",
            ],
            numeric=range(1, 6),
        )
        for each in proof.predictors
    ]
    heads = [(words(f"h.{key}"), "number") for key in ("orders_error", "value_error", "rank", "top_tenth", "wins")]
    table = table_of([(words("h.predictor"), ""), *heads], rows)
    charts = columns_of(
        *(
            note_of(words(f"foretold_{name}")) + chart_place(name)
            for name, is_drawn in (("gains", proof.has_revenue), ("chances", True))
            if is_drawn
        )
    )
    note = words(
        "foretold_note",
        day=numbers.long_day(proof.snapshot_on, words.language),
        months=numbers.whole(proof.month_ends),
        oracle=numbers.share(proof.oracle_top_tenth_share),
    )
    return section_of("foretold", words, note, table + charts, _verdict(proof.predictors, words))


def _verdict(predictors: Sequence[Foretold], words: Words) -> str:
    best = next(each for each in predictors if each.is_best)
    key = "foretold_holds" if best.is_published else "foretold_other"
    if best.value_error is None and best.purchases_error is None:
        key = "foretold_ranks"
    return words(key, predictor=words.or_code("predictor", best.predictor))


def _by_class(content: ReportContent, dimension: str, counts: Sequence[ClassCount], words: Words) -> str:
    rows = []
    for count in counts:
        expected = content.outlook.expected.get((dimension, count.code))
        if expected is None:
            continue
        label = content.labels.of(dimension, count.code, words.language) or count.code
        figures = [
            numbers.whole(expected.customers),
            numbers.share(expected.probability_order),
            numbers.whole(round(expected.purchases_90d)),
            numbers.money(expected.value_90d, content.currency),
            numbers.money(expected.value_365d, content.currency),
        ]
        rows.append(cells_of([label, *figures], numeric=range(1, len(figures) + 1)))
    heads = [(words(f"h.{key}"), "number") for key in ("customers", "chance", "orders_90d", "value_90d", "value_365d")]
    return table_of([(content.dimension_name(dimension, words.language), ""), *heads], rows)


def _error(error: Decimal | None) -> str:
    return numbers.NONE if error is None else f"{100 * error:+.1f}%".replace("-", "−")
