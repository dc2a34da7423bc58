"""The budget against the value of those it is spent on, a table with paired bars for each dimension with plans."""

from __future__ import annotations

from decimal import Decimal

from dagster_project.report import numbers
from dagster_project.report.content import ReportContent
from dagster_project.report.content.spending import Allocation, Spending
from dagster_project.report.sections.pieces import cells_of, escaped, folded, note_of, section_of, table_of
from dagster_project.report.words import Words

# A standard may have plans for ten dimensions; the playbook names those first by which customers are treated.
MOST_OPEN = 3


def spending_section(content: ReportContent, words: Words) -> str:
    """Share of the budget beside the share of revenue, spend beside value a customer."""
    if not content.spending:
        return section_of("spending", words, words("spending_none"), "")
    note = words("spending_note_unpriced")
    if content.budget:
        note = words("spending_note", budget=numbers.money(content.budget, content.currency))
    shown = [
        f'<h3 class="spaced">{escaped(spending.dimension.name(words.language))}</h3>' + _table(content, spending, words)
        for spending in content.spending[:MOST_OPEN]
    ]
    rest = [
        folded(spending.dimension.name(words.language), _table(content, spending, words))
        for spending in content.spending[MOST_OPEN:]
    ]
    return section_of("spending", words, note, "".join([*shown, *rest]))


def _table(content: ReportContent, spending: Spending, words: Words) -> str:
    if not any(each.customers for each in spending.classes):
        return note_of(words("spending_unknown"))
    shares = [
        share for each in spending.classes for share in (each.budget_share, each.revenue_share) if share is not None
    ]
    longest = max(shares, default=Decimal(0))
    code = spending.dimension.code
    rows = [
        cells_of([content.labels.of(code, each.code, words.language) or each.code], numeric=())
        + _pair(each, longest)
        + cells_of(
            [
                numbers.share(each.budget_share),
                numbers.share(each.revenue_share),
                numbers.whole(each.customers),
                numbers.fine_money(each.spend_per_customer if content.budget else None, content.currency),
                numbers.fine_money(each.value_per_customer, content.currency),
            ],
            numeric=range(5),
        )
        for each in spending.classes
    ]
    keys = ("budget_share", "revenue_of_all", "customers", "spend", "worth")
    heads = [(words("h.class"), ""), ("", "bar"), *((words(f"h.{key}"), "number") for key in keys)]
    faint = [number for number, each in enumerate(spending.classes) if not each.customers]
    return table_of(heads, rows, faint=faint)


def _pair(allocation: Allocation, longest: Decimal) -> str:
    def bar(share: Decimal | None, css: str) -> str:
        part = min(1.0, max(0.0, float(share / longest))) if share and longest else 0.0
        return f'<span class="{css if part else "none"}" style="width:{100 * part:.1f}%"></span>'

    return f'<td class="bar">{bar(allocation.budget_share, "")}{bar(allocation.revenue_share, "second")}</td>'
