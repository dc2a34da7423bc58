"""How far predictions came true: the models of earlier month ends beside simple rules, by tenths, and two curves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.report.content.rows import rows_of

RULES = frozenset({"recency", "last_90_days", "rfm_cells"})
MEASURES = 4  # errors of order days and revenue, rank correlation, top tenth
CURVE_POINTS = 40  # of each curve: the page also has them in a table


@dataclass(frozen=True)
class Proof:
    """How a predictor did at a month end. An error is predicted / actual - 1; None of what it does not foretell."""

    day: date
    predictor: str
    is_published: bool
    customers: int
    purchases_error: Decimal | None
    value_error: Decimal | None
    rank_correlation: Decimal | None
    top_tenth_share: Decimal | None
    oracle_top_tenth_share: Decimal | None
    wins: int
    is_best: bool


@dataclass(frozen=True)
class Record:
    """A predictor over all month ends: means of sizes of errors and of the other measures, and what it won."""

    predictor: str
    is_published: bool
    is_best: bool
    purchases_error: Decimal | None
    value_error: Decimal | None
    rank_correlation: Decimal | None
    top_tenth_share: Decimal | None
    wins: int

    @property
    def is_rule(self) -> bool:
        """Whether it is a simple rule and not a fitted model."""
        return self.predictor in RULES


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers, 1 with those of whom most was foretold; customers may be counted in parts."""

    tenth: int
    customers: Decimal
    predicted_customers: Decimal
    actual_customers: Decimal
    predicted_value: Decimal
    actual_value: Decimal


@dataclass(frozen=True)
class CurvePlace:
    """A point of a curve, in fact and by the model.

    Of tracking, `place` is the days since the first order and the rest repeat order days so far.
    Of frequency, `place` is the number of repeat order days, the last one or more, and the rest customers.
    """

    place: int
    actual: Decimal
    predicted: Decimal


@dataclass(frozen=True)
class Foretold:
    """Proofs rising by day; the tenths of the newest month end by probability of an order and by expected value.

    `known_until` is the place on the tracking curve up to which the model knew what came.
    """

    proofs: tuple[Proof, ...]
    tenths_on: date | None
    by_chance: tuple[Tenth, ...]
    by_value: tuple[Tenth, ...]
    tracking: tuple[CurvePlace, ...]
    frequency: tuple[CurvePlace, ...]
    known_until: int | None

    @property
    def days(self) -> list[date]:
        """The month ends, rising."""
        return sorted({proof.day for proof in self.proofs})

    @property
    def records(self) -> list[Record]:
        """Every predictor: fitted models first, then rules, each by most wins."""
        found: dict[str, list[Proof]] = {}
        for proof in self.proofs:
            found.setdefault(proof.predictor, []).append(proof)
        records = [_record(predictor, proofs) for predictor, proofs in found.items()]
        return sorted(records, key=lambda record: (record.is_rule, -record.wins, record.predictor))

    @property
    def oracle_top_tenth_share(self) -> Decimal | None:
        """The most that a tenth could bring, a mean over the month ends."""
        return mean_of({proof.day: proof.oracle_top_tenth_share for proof in self.proofs}.values())

    @property
    def newest_oracle_share(self) -> Decimal | None:
        """The most that a tenth could bring after the month end of the tenths."""
        shares = (proof.oracle_top_tenth_share for proof in self.proofs if proof.day == self.tenths_on)
        return next(shares, None)


def read_foretold(con: duckdb.DuckDBPyConnection, day: date) -> Foretold:
    """What `day` knows of the predictions before it."""
    tenths: dict[str, list[Tenth]] = {}
    newest = None
    for on, ranked_by, *numbers in rows_of(con, _TENTHS, day=day):
        newest = on
        tenths.setdefault(ranked_by, []).append(Tenth(*numbers))
    return Foretold(
        proofs=tuple(Proof(*row) for row in rows_of(con, _PROOFS, day=day)),
        tenths_on=newest,
        by_chance=tuple(tenths.get("probability_order_90d", ())),
        by_value=tuple(tenths.get("expected_value", ())),
        tracking=_read_curve(con, day, "tracking"),
        frequency=_read_curve(con, day, "frequency"),
        known_until=next(iter(rows_of(con, _KNOWN_UNTIL, day=day)), (None,))[0],
    )


def mean_of(values: Iterable[Decimal | None]) -> Decimal | None:
    """The mean of what is known; None of nothing."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) / len(known) if known else None


def _record(predictor: str, proofs: list[Proof]) -> Record:
    def mean_size(name: str) -> Decimal | None:
        return mean_of(None if (error := getattr(proof, name)) is None else abs(error) for proof in proofs)

    return Record(
        predictor=predictor,
        is_published=any(proof.is_published for proof in proofs),
        is_best=any(proof.is_best for proof in proofs),
        purchases_error=mean_size("purchases_error"),
        value_error=mean_size("value_error"),
        rank_correlation=mean_of(proof.rank_correlation for proof in proofs),
        top_tenth_share=mean_of(proof.top_tenth_share for proof in proofs),
        wins=sum(proof.wins for proof in proofs),
    )


def _read_curve(con: duckdb.DuckDBPyConnection, day: date, curve: str) -> tuple[CurvePlace, ...]:
    """The places rising; of more than CURVE_POINTS the first and every k-th, counted back from the last."""
    rows = rows_of(con, _CURVE, day=day, curve=curve)
    step = max(1, -(-len(rows) // CURVE_POINTS))
    kept = rows[::-1][::step][::-1]
    return tuple(CurvePlace(*row) for row in (kept if kept[:1] == rows[:1] else [rows[0], *kept]))


_PROOFS = """
    select
        snapshot_on, predictor, is_published, customers, purchases_error, value_error, rank_correlation,
        top_tenth_share, oracle_top_tenth_share, wins, is_best
    from marts.prediction_backtest
    where evaluated_on = $day
    order by snapshot_on, predictor
"""
_TENTHS = """
    select
        snapshot_on, ranked_by, tenth, customers, predicted_customers, actual_customers, predicted_value, actual_value
    from marts.prediction_tenths
    where evaluated_on = $day
    qualify snapshot_on = max(snapshot_on) over ()
    order by ranked_by, tenth
"""
_CURVE = """
    select place, actual, predicted from marts.prediction_curves
    where evaluated_on = $day and curve = $curve order by place
"""
_KNOWN_UNTIL = """
    select place - (counted_on - fitted_on) from marts.prediction_curves
    where evaluated_on = $day and curve = 'tracking' limit 1
"""
