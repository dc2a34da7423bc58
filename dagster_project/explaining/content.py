"""What is known of one customer on one day, as values: read from the serving copy, without words or formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.explaining.serving_copy import ReadingError, held_tables
from dagster_project.settings.publishing import Language
from dagster_project.sql_text import quote_identifier

REASONS = "customer_reasons"
# What the sentences need beside the reasons, all of it read by customer_reasons too.
BESIDE_REASONS = (
    "customer_features",
    "customer_lifecycle",
    "customer_value",
    "matrix_cut_points",
    "standards",
    "own_rules",
)
# Dimensions as they stand in customer_segments, for a copy without the reasons.
SEGMENT_DIMENSIONS = (
    "lifecycle_stage",
    "value_tier",
    "rfm_segment",
    "rfm_type",
    "need_clarity",
    "need_type",
    "need_motive",
    "cluster",
)
FLAGS = ("is_loyal", "is_high_frequency", "is_trial_converted", "is_at_risk", "is_potential_buyer")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reason:
    """A measure of the customer and the cut that it met; both NULL where the rule has none."""

    rule: str
    measure: str | None
    value: Decimal | None
    comparison: str | None
    cut: Decimal | None


@dataclass(frozen=True)
class DecidedClass:
    """The class in one dimension, and why; without reasons where the copy does not hold them."""

    dimension: str
    code: str | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class ClassSpan:
    """A class that the customer had from one day to another; `valid_to` is None while it lasts."""

    dimension: str
    code: str | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Explanation:
    """All that is told of a customer on a day. Rows are empty where the copy does not hold their table."""

    customer_id: int
    day: date
    segments: Row
    classes: tuple[DecidedClass, ...]
    missing: tuple[str, ...]
    standard: Row
    features: Row
    lifecycle: Row
    value: Row
    behaviours: Row
    plan: Row
    history: tuple[ClassSpan, ...]
    own_rules: Mapping[tuple[str, int], str]
    cut_methods: Mapping[tuple[str, str], str]
    labels: Labels


@dataclass(frozen=True)
class Labels:
    """Labels of dimensions and classes in both languages, in the standard's order."""

    dimensions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    classes: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def dimension(self, code: str, language: Language) -> str:
        """The label of a dimension; a code that has none is shown as words."""
        return _in(language, self.dimensions.get(code), code)

    def of(self, dimension: str, code: str, language: Language) -> str:
        """The label of a class; a code that has none is shown as words."""
        return _in(language, self.classes.get((dimension, code)), code)

    def position(self, dimension: str) -> int:
        """Where a dimension stands among the others; those of an earlier standard come last."""
        order = list(self.dimensions)
        return order.index(dimension) if dimension in order else len(order)


def read_explanation(con: duckdb.DuckDBPyConnection, customer_id: int, day: date) -> Explanation:
    """What the copy holds of a customer on a stored day.

    Raises:
        ReadingError: the customer is not known on that day.
    """
    copy = _Copy(con, customer_id, day)
    segments = copy.of_customer("customer_segments")
    if not segments:
        raise ReadingError(_unknown_on(con, customer_id, day))
    labels = _labels(copy)
    missing = tuple(sorted({REASONS, *BESIDE_REASONS} - copy.tables))
    version = segments["standard_version"]
    plan = [segments.get("plan_dimension"), segments.get("plan_class")]
    own_rules = copy.rows("own_rules", "dimension, rule_number, expression", "standard_version = ?", [version])
    cuts = copy.rows("matrix_cut_points", "matrix, measure, cut_method", "as_of_date = ? order by matrix, axis", [day])
    return Explanation(
        customer_id=customer_id,
        day=day,
        segments=segments,
        classes=_classes_from_segments(segments) if missing else _classes(copy, labels),
        missing=missing,
        standard=copy.row("standards", "standard_version = ?", [version]),
        features=copy.of_customer("customer_features"),
        lifecycle=copy.of_customer("customer_lifecycle"),
        value=copy.of_customer("customer_value"),
        behaviours=copy.of_customer("customer_behaviours"),
        plan=copy.row("segment_playbook", "dimension = ? and class = ?", plan),
        history=_history(copy, labels),
        own_rules={(dimension, number): expression for dimension, number, expression in own_rules},
        cut_methods={(matrix, measure): method for matrix, measure, method in cuts},
        labels=labels,
    )


class _Copy:
    """The tables of an open copy, and a customer's rows on a day; a table that the copy lacks has no rows."""

    def __init__(self, con: duckdb.DuckDBPyConnection, customer_id: int, day: date) -> None:
        self.customer_id = customer_id
        self.day = day
        self.tables = held_tables(con)
        self._con = con

    def rows(self, table: str, columns: str, where: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The columns of the rows for which `where` holds."""
        if table not in self.tables:
            return []
        statement = f"select {columns} from {quote_identifier(table)} where {where}"
        return self._con.execute(statement, list(values)).fetchall()

    def row(self, table: str, where: str, values: Sequence[Any]) -> Row:
        """The first such row by column."""
        rows = self.rows(table, "*", where, values)
        return dict(zip((name for name, *_ in self._con.description or ()), rows[0], strict=True)) if rows else {}

    def of_customer(self, table: str) -> Row:
        """The customer's row on the day."""
        return self.row(table, "as_of_date = ? and customer_id = ?", [self.day, self.customer_id])


def _classes(copy: _Copy, labels: Labels) -> tuple[DecidedClass, ...]:
    rows = copy.rows(
        REASONS,
        "dimension, class, rule, measure, value, comparison, cut",
        "as_of_date = ? and customer_id = ? order by dimension, measure",
        [copy.day, copy.customer_id],
    )
    reasons: dict[tuple[str, str | None], list[Reason]] = {}
    for dimension, code, *decided in rows:
        reasons.setdefault((dimension, code), []).append(Reason(*decided))
    ordered = sorted(reasons.items(), key=lambda item: (labels.position(item[0][0]), item[0][0]))
    return tuple(DecidedClass(dimension, code, tuple(listed)) for (dimension, code), listed in ordered)


def _classes_from_segments(segments: Row) -> tuple[DecidedClass, ...]:
    return tuple(
        DecidedClass(dimension, segments[dimension], ())
        for dimension in SEGMENT_DIMENSIONS
        if segments.get(dimension) is not None
    )


def _history(copy: _Copy, labels: Labels) -> tuple[ClassSpan, ...]:
    rows = copy.rows(
        "segment_history",
        "dimension, class, valid_from, valid_to",
        "customer_id = ? order by valid_from, dimension",
        [copy.customer_id],
    )
    return tuple(sorted((ClassSpan(*row) for row in rows), key=lambda span: labels.position(span.dimension)))


def _labels(copy: _Copy) -> Labels:
    dimensions = copy.rows("dimensions", "dimension, label_en, label_zh", "true order by position")
    classes = copy.rows("labels", "dimension, code, label_en, label_zh", "true")
    return Labels(
        dimensions={code: (english, chinese) for code, english, chinese in dimensions},
        classes={(dimension, code): (english, chinese) for dimension, code, english, chinese in classes},
    )


def _unknown_on(con: duckdb.DuckDBPyConnection, customer_id: int, day: date) -> str:
    row = con.execute(
        "select min(as_of_date), max(as_of_date) from customer_segments where customer_id = ?", [customer_id]
    ).fetchone()
    if row is None or row[0] is None:
        return f"Customer {customer_id} is on no stored day; `strata run` classifies who has landed since."
    return f"Customer {customer_id} is not known on {day}; of the stored days {row[0]} to {row[1]} hold them."


def _in(language: Language, label: tuple[str, str] | None, code: str) -> str:
    if label is None:
        return code.replace("_", " ")
    return label[0] if language is Language.ENGLISH else label[1]
