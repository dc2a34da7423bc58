"""What is expected of the customers: a sentence that says it, and its classes of stage and value."""

from __future__ import annotations

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.outlook import OUTLOOK_DIMENSIONS, Expected, Outlook
from dagster_project.report.sections.foretold import predictor_in_a_sentence
from dagster_project.report.sections.pieces import bar_cell, cells_of, escaped, note_of, section_of, table_of
from dagster_project.report.words import Words


def outlook_section(content: ReportContent, words: Words) -> str:
    """The headline with its correction, then a table a dimension; one sentence where nothing is foretold."""
    outlook = content.outlook
    if outlook is None:
        return section_of("outlook", words, words("outlook_uncomputed"), "")
    if not outlook.total.customers:
        reason = words.or_code("outlook_reason", outlook.reason or "")
        return section_of("outlook", words, words("outlook_refused", reason=reason), "")
    tables = "".join(_table(content, outlook, dimension, words) for dimension in OUTLOOK_DIMENSIONS)
    inner = (
        f'<p class="headline">{escaped(_headline(content, outlook, words))}</p>'
        f"{note_of(_correction(outlook, words))}{tables}"
    )
    return section_of("outlook", words, words("outlook_note"), inner, _asides(outlook, words))


def _headline(content: ReportContent, outlook: Outlook, words: Words) -> str:
    total = outlook.total
    shown = {
        "customers": numbers.whole(total.customers),
        "purchases": numbers.whole(total.purchases_90d or 0),
    }
    if total.value_90d is None:
        reason = words.or_code("outlook_reason", outlook.reason or "")
        return words("outlook_headline_without_money", reason=reason, **shown)
    value = numbers.short_money(total.value_90d, content.currency, words.language)
    return words("outlook_headline", value=value, **shown)


def _correction(outlook: Outlook, words: Words) -> str:
    if outlook.corrected_from is None:
        return words("outlook_uncorrected")
    return words(
        "outlook_corrected",
        day=numbers.long_day(outlook.corrected_from, words.language),
        purchases=numbers.decimals(outlook.purchases_correction, 2),
        value=numbers.decimals(outlook.value_correction, 2),
    )


def _asides(outlook: Outlook, words: Words) -> str:
    """What made the predictions, and how many have none."""
    said = []
    if outlook.model is not None and outlook.fitted_on is not None:
        model = predictor_in_a_sentence(outlook.model, words)
        said.append(words("outlook_model", model=model, fitted=numbers.long_day(outlook.fitted_on, words.language)))
    if outlook.never_ordered:
        said.append(words("outlook_never_ordered", count=numbers.whole(outlook.never_ordered)))
    return words.sentences(said)


def _table(content: ReportContent, outlook: Outlook, dimension: str, words: Words) -> str:
    """The classes that hold somebody who is foretold, in the order of the standard, and all together."""
    found = {code: expected for (name, code), expected in outlook.classes.items() if name == dimension}
    known = [code for code in content.labels.codes(dimension) if code in found]
    codes = [*known, *sorted(found.keys() - set(known))]
    most = max((_share(found[code], outlook) for code in codes), default=0.0)
    rows = []
    for code in codes:
        label = content.labels.of(dimension, code, words.language) or code
        part = _share(found[code], outlook)
        bar = bar_cell(part / most if most else 0.0)
        rows.append(cells_of([label], numeric=()) + bar + _figures(content, found[code], outlook))
    heads = [(content.dimension_name(dimension, words.language), ""), ("", "bar")]
    keys = ("customers", "alive", "orders_90d", "value_90d", "value_365d", "value_365d_share")
    heads += [(words(f"h.{key}"), "number") for key in keys]
    total = cells_of([words("h.total")], numeric=()) + bar_cell(0) + _figures(content, outlook.total, outlook)
    return f'<div class="spaced">{table_of(heads, rows, total=total, css="compact")}</div>'


def _figures(content: ReportContent, expected: Expected, outlook: Outlook) -> str:
    whole = outlook.total.value_365d
    share = expected.value_365d / whole if whole and expected.value_365d is not None else None
    return cells_of(
        [
            numbers.whole(expected.customers),
            numbers.share(expected.mean_alive),
            numbers.NONE if expected.purchases_90d is None else numbers.whole(expected.purchases_90d),
            numbers.money(expected.value_90d, content.currency),
            numbers.money(expected.value_365d, content.currency),
            numbers.share(share),
        ],
        numeric=range(6),
    )


def _share(expected: Expected, outlook: Outlook) -> float:
    """A class's share of the value of 365 days, as its bar shows it."""
    whole = outlook.total.value_365d
    return max(0.0, float(expected.value_365d / whole)) if whole and expected.value_365d is not None else 0.0
