"""The impact on a terminal: what moves, the largest moves with an example each, and both backtests side by side."""

from __future__ import annotations

from decimal import Decimal

from rich.table import Table

from dagster_project.impact.result import DimensionImpact, Impact, Move, Presence
from dagster_project.impact.texts import (
    FORESIGHT_HEADS,
    backtest_note,
    backtest_rows,
    class_name,
    foresight_rows,
    is_shown,
    named,
    notes_of,
    share_of,
    title_of,
)
from dagster_project.impact.words import Words
from dagster_project.report import numbers
from dagster_project.settings.publishing import Language
from dagster_project.terminal import plain_table

MOVES_SHOWN = 8


def impact_tables(impact: Impact, language: Language) -> list[Table]:
    """The impact as tables, the overview first, what it does not show last."""
    words = Words(language)
    tables = [_overview(impact, words)]
    tables += [_moves(impact, dimension, words) for dimension in impact.dimensions if is_shown(dimension)]
    before_proof = len(tables)
    tables.append(_backtest(impact, words))
    if impact.proposed_backtest.month_ends:
        tables.append(_foresight(impact, words))
    examples = [example for dimension in impact.dimensions for example in _examples(dimension, words)]
    if examples:
        heads = [words(f"h.{key}") for key in ("dimension", "customer", "present_why", "proposed_why")]
        tables.insert(before_proof, plain_table(words("examples"), heads, examples))
    notes = notes_of(impact, words)
    return [*tables, _notes(notes, words)] if notes else tables


def _overview(impact: Impact, words: Words) -> Table:
    rows = []
    for dimension in impact.dimensions:
        if dimension.presence is Presence.BOTH:
            figures = [
                numbers.whole(dimension.customers_moved),
                numbers.share(share_of(dimension.customers_moved, impact.customers)),
                numbers.money(dimension.revenue_moved, impact.currency),
                numbers.share(share_of(dimension.revenue_moved, impact.revenue)),
            ]
        else:
            figures = [words(f"status.{dimension.presence}"), "", "", ""]
        rows.append([words.label(dimension.label), *figures])
    title = " → ".join(named(standard, words) for standard in (impact.present, impact.proposed))
    heads = [words(f"h.{key}") for key in ("dimension", "moved", "share", "revenue", "revenue_share")]
    return _right(plain_table(f"{words('as_of', day=impact.day.isoformat())} · {title}", heads, rows), first=1)


def _moves(impact: Impact, dimension: DimensionImpact, words: Words) -> Table:
    shown = [move for move in dimension.moves if move.is_moved]
    rows = [_move_row(impact, dimension, move, words) for move in shown[:MOVES_SHOWN]]
    rest = shown[MOVES_SHOWN:]
    if rest:
        others = Move(
            None, None, sum(move.customers for move in rest), sum((move.revenue for move in rest), Decimal(0))
        )
        rows.append(
            [
                words("other" if len(rest) == 1 else "others", count=str(len(rest))),
                "",
                *_move_row(impact, dimension, others, words)[2:],
            ]
        )
    heads = [words(f"h.{key}") for key in ("from", "to", "customers", "share", "revenue")]
    return _right(plain_table(title_of(dimension, words), heads, rows), first=2)


def _move_row(impact: Impact, dimension: DimensionImpact, move: Move, words: Words) -> list[str]:
    return [
        class_name(dimension, move.class_from, words),
        class_name(dimension, move.class_to, words),
        numbers.whole(move.customers),
        numbers.share(share_of(move.customers, impact.customers)),
        numbers.money(move.revenue, impact.currency),
    ]


def _examples(dimension: DimensionImpact, words: Words) -> list[list[str]]:
    """One customer of each explained move."""
    first: dict[tuple[str, str], list[str]] = {}
    for example in dimension.examples:
        before, after = (
            words("class_why", code=class_name(dimension, code, words), why=words.said(said))
            if words.said(said)
            else class_name(dimension, code, words)
            for code, said in (
                (example.class_from, example.present_reason),
                (example.class_to, example.proposed_reason),
            )
        )
        first.setdefault(
            (example.class_from, example.class_to),
            [words.label(dimension.label), str(example.customer_id), before, after],
        )
    return list(first.values())


def _backtest(impact: Impact, words: Words) -> Table:
    heads = [words(f"h.{key}") for key in ("measure", "present", "proposed", "difference")]
    rows = backtest_rows(impact, words) if impact.proposed_backtest.month_ends else []
    return _right(plain_table(backtest_note(impact, words), heads, rows), first=1)


def _foresight(impact: Impact, words: Words) -> Table:
    heads = [words(f"h.{key}") for key in ("dimension", *FORESIGHT_HEADS)]
    return _right(plain_table(words("foresight"), heads, foresight_rows(impact, words)), first=1)


def _notes(notes: list[str], words: Words) -> Table:
    table = plain_table(words("notes"), [""], [[note] for note in notes])
    table.show_header = False
    return table


def _right(table: Table, *, first: int) -> Table:
    """The table with its columns from `first` on standing right: they hold numbers as text."""
    for column in table.columns[first:]:
        column.justify = "right"
    return table
