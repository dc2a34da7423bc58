"""The matrices of the standard, each as a picture of its four fields."""

from __future__ import annotations

from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.classes import UNKNOWN
from dagster_project.report.content.matrices import Axis, Matrix
from dagster_project.report.sections.pieces import escaped, note_of, section_of, shaded
from dagster_project.report.words import Words

# As they are read: from the top left on.
_PLACES = ((False, True), (True, True), (False, False), (True, False))
_MONEY = frozenset(
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


def matrices_section(content: ReportContent, words: Words) -> str:
    """Every matrix: axes with measure and cut, quadrants with label, customers, share and revenue."""
    if not content.matrices:
        return section_of("matrices", words, words("matrices_none"), "")
    pictures = "".join(_picture(content, matrix, words) for matrix in content.matrices)
    return section_of("matrices", words, words("matrices_note"), f'<div class="matrices">{pictures}</div>')


def _picture(content: ReportContent, matrix: Matrix, words: Words) -> str:
    def label_of(code: str) -> str:
        return content.labels.of(matrix.dimension.code, code, words.language) or code

    most = max((count.customers for count in matrix.quadrants.values()), default=0) or 1
    fields = []
    for place in _PLACES:
        count = matrix.quadrants.get(place)
        if count is None:
            fields.append("<div></div>")
            continue
        money = numbers.short_money(count.revenue, content.currency, words.language)
        fields.append(
            f'<div class="quadrant" style="{shaded(count.customers / most)}">'
            f"<strong>{escaped(label_of(count.code))}</strong><span>{numbers.whole(count.customers)}</span>"
            f"<small>{numbers.share(count.customer_share)} · {escaped(money)}</small></div>"
        )
    unknown = (
        words("matrix_unknown", unknown=label_of(UNKNOWN), customers=numbers.whole(matrix.unknown))
        if matrix.unknown
        else words("matrix_all_known")
    )
    return (
        f'<figure class="matrix"><figcaption>{escaped(matrix.dimension.name(words.language))}</figcaption>'
        f'<p class="axis">↑ {escaped(_axis(content, matrix.y, words))}</p><div class="field">{"".join(fields)}</div>'
        f'<p class="axis">→ {escaped(_axis(content, matrix.x, words))}</p>{note_of(unknown)}</figure>'
    )


def _axis(content: ReportContent, axis: Axis, words: Words) -> str:
    measure = words.or_code("feature", axis.measure)
    if axis.cut_value is None:
        return words("axis.uncut", measure=measure)
    return words(
        "axis.cut",
        measure=measure,
        value=_written(axis.measure, axis.cut_value, content.currency),
        method=words.or_code("cut_method", axis.cut_method),
    )


def _written(measure: str, value: Decimal, currency: str) -> str:
    if measure in _MONEY:
        return numbers.exact_money(value, currency)
    return numbers.share(value) if measure.endswith("_share") else numbers.plain(value)
