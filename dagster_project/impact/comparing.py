"""Two rebuilds of one day compared: counts of who moves, in every dimension that either standard has.

Both are databases called PRESENT and PROPOSED; their classes stand as tables of these names in COMPARISON.
"""

from __future__ import annotations

import re
from datetime import date

import duckdb

from dagster_project.impact.backtest import read_backtest
from dagster_project.impact.examples import read_examples
from dagster_project.impact.kept_spans import kept_spans
from dagster_project.impact.rebuild import FLAGS, NO, PUBLISHED, UNKNOWN, YES
from dagster_project.impact.result import ComparedStandard, DimensionImpact, Example, Impact, Move, Presence
from dagster_project.settings import Settings
from dagster_project.settings.standards import Label, Standard
from dagster_project.settings.standards.differences import Difference, differences
from dagster_project.sql_text import quote_identifier

PRESENT, PROPOSED, COMPARISON = "present", "proposed", "comparison"
# Places of a standard that its version does not cover.
NOT_RULES = ("name", "effective_from", "labels", "dimension_labels", "playbook", "stability")
LABEL = re.compile(r"\.label$")
FLAG_LABELS = "behaviour_flag"
YES_NO_LABELS = {
    YES: Label(en="Yes", zh="是"),
    NO: Label(en="No", zh="否"),
    UNKNOWN: Label(en="Unknown", zh="未知"),
}


def compare(
    con: duckdb.DuckDBPyConnection, settings: Settings, day: date, present: Standard, proposed: Standard
) -> Impact:
    """The impact that the two rebuilds of `day` show; COMPARISON is the connection's current database."""
    con.execute(
        f"""
        create table revenues as
        select customer_id, revenue_window as revenue from {PUBLISHED}.customer_features where as_of_date = ?
        """,
        [day],
    )
    con.execute(
        f"""
        create table compared as
        select dimension, customer_id, {PRESENT}.class as class_from, {PROPOSED}.class as class_to, revenue
        from {PRESENT}
        full join {PROPOSED} using (dimension, customer_id)
        inner join revenues using (customer_id)
        """
    )
    [(customers, revenue)] = con.execute("select count(*), coalesce(sum(revenue), 0) from revenues").fetchall()
    [(moved, moved_revenue)] = con.execute(
        """
        select count(*), coalesce(sum(revenue), 0) from revenues
        where customer_id in (select customer_id from compared where class_from <> class_to)
        """
    ).fetchall()
    [(has_fit,)] = con.execute(f"select count(*) > 0 from {PROPOSED}.control.cluster_days").fetchall()
    spans = kept_spans(present, proposed, _known_measures(con, day))
    examples = read_examples(con, day, settings.sources.business.currency, (PRESENT, PROPOSED))
    con.execute(f"use {COMPARISON}")
    return Impact(
        day=day,
        currency=settings.sources.business.currency,
        present=ComparedStandard(present.name, present.version),
        proposed=ComparedStandard(proposed.name, proposed.version),
        differences=_rule_differences(present, proposed),
        customers=customers,
        customers_moved=moved,
        revenue=revenue,
        revenue_moved=moved_revenue,
        dimensions=_dimensions(con, present, proposed, examples),
        present_backtest=read_backtest(con, PRESENT),
        proposed_backtest=read_backtest(con, PROPOSED),
        kept_spans=spans,
        lacks_cluster_fit=proposed.clusters is not None and not has_fit,
    )


def _rule_differences(present: Standard, proposed: Standard) -> tuple[Difference, ...]:
    """What the two say differently, words and plans left out: they move nobody."""
    return tuple(
        difference
        for difference in differences(present, proposed)
        if not difference.place.startswith(NOT_RULES) and not LABEL.search(difference.place)
    )


def _dimensions(
    con: duckdb.DuckDBPyConnection, present: Standard, proposed: Standard, examples: dict[str, list[Example]]
) -> tuple[DimensionImpact, ...]:
    """Dimensions of the proposed standard in its order, then what it leaves out, then the flags."""
    presences = {code: Presence.REMOVED for code, _ in present.dimensions()}
    for code, _ in proposed.dimensions():
        presences[code] = Presence.BOTH if code in presences else Presence.ADDED
    order = list(dict.fromkeys([*(code for code, _ in proposed.dimensions()), *presences, *FLAGS]))
    moves: dict[str, list[Move]] = {code: [] for code in order}
    for dimension, class_from, class_to, customers, revenue in con.execute(
        """
        select dimension, class_from, class_to, count(*) as customers, sum(revenue)
        from compared group by all order by dimension, customers desc, class_from, class_to
        """
    ).fetchall():
        moves[dimension].append(Move(class_from, class_to, customers, revenue))
    return tuple(
        DimensionImpact(
            dimension=code,
            label=_dimension_label(code, present, proposed),
            presence=presences.get(code, Presence.BOTH),
            labels=_class_labels(code, present, proposed),
            moves=tuple(moves[code]),
            examples=tuple(examples.get(code, ())),
        )
        for code in order
    )


def _dimension_label(code: str, present: Standard, proposed: Standard) -> Label:
    if code in FLAGS:
        return proposed.label(FLAG_LABELS, code) or _code_label(code)
    return proposed.dimension_label(code) or present.dimension_label(code) or _code_label(code)


def _class_labels(dimension: str, present: Standard, proposed: Standard) -> dict[str, Label]:
    """Labels of the classes that either standard has, those of the proposed one first, in report order."""
    if dimension in FLAGS:
        return YES_NO_LABELS
    labels: dict[str, Label] = {}
    for standard in (proposed, present):
        for code in standard.classes().get(dimension, ()):
            labels.setdefault(code, standard.label(dimension, code) or _code_label(code))
    return labels


def _code_label(code: str) -> Label:
    shown = code.replace("_", " ")
    return Label(en=shown, zh=shown)


def _known_measures(con: duckdb.DuckDBPyConnection, day: date) -> set[str]:
    """Columns of the day's features that are known of somebody."""
    described = con.execute(f"describe {PUBLISHED}.customer_features").fetchall()
    columns = {name: quote_identifier(name) for name, *_ in described}
    for name, type_name, *_ in described:
        if type_name == "VARCHAR":
            columns[name] = f"nullif({columns[name]}, '{UNKNOWN}')"
    counted = ", ".join(f"count({column}) > 0" for column in columns.values())
    [known] = con.execute(f"select {counted} from {PUBLISHED}.customer_features where as_of_date = ?", [day]).fetchall()
    return {name for name, is_known in zip(columns, known, strict=True) if is_known}
