"""What the report says, as numbers: read from the marts of one day, without words, formats or HTML.

Counts and sums only; no customer can be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.publishing.labels import Labels, read_labels
from dagster_project.publishing.tables import PublishingError, standard_of

CURVE_POINTS = 200
GENERATED_SUFFIX = "_generated"  # of sources that the sample invents


@dataclass(frozen=True)
class ClassCount:
    """A class of a dimension: customers and their revenue of the window, as counts and shares (None: not defined)."""

    code: str
    customers: int
    customer_share: Decimal | None
    revenue: Decimal
    revenue_share: Decimal | None


@dataclass(frozen=True)
class Cell:
    """A cell of the grid of recency and frequency scores."""

    r_score: int
    f_score: int
    segment: str | None
    customers: int
    revenue: Decimal


@dataclass(frozen=True)
class CurvePoint:
    """The best `customer_share` of the customers with a positive value bring `value_share` of the sum."""

    customer_share: float
    value_share: float


@dataclass(frozen=True)
class ChannelCount:
    """A channel of the day's list. `note` is a code of reactivation_list_notes."""

    channel: str
    eligible: int
    treated: int
    control: int
    not_reached: int
    note: str | None
    consent_default_reason: str | None


@dataclass(frozen=True)
class Silent:
    """Silent customers of the day: how many, why, and what keeps them off the list."""

    customers: int
    causes: tuple[tuple[str, int], ...]
    suppressions: tuple[tuple[str, int], ...]
    eligible: int


@dataclass(frozen=True)
class Cut:
    """A cut point: of the scores (rising in number) or of the eight types (the line between high and low)."""

    purpose: str
    measure: str
    number: int
    value: Decimal


@dataclass(frozen=True)
class LandedRows:
    """Rows of a source and entity: read = accepted + rejected; `excluded` of the rejected were left out by rule."""

    source: str
    entity: str
    rows_read: int
    accepted: int
    rejected: int
    excluded: int


@dataclass(frozen=True)
class CheckResult:
    """A check of the run: its name, whether it holds, and the sentence it says."""

    name: str
    passed: bool
    says: str


@dataclass(frozen=True)
class ReportContent:
    """Everything the page shows of one day."""

    day: date
    standard_version: str | None
    code_version: str
    currency: str
    labels: Labels
    stages: tuple[ClassCount, ...]
    tiers: tuple[ClassCount, ...]
    types: tuple[ClassCount, ...]
    segments: tuple[ClassCount, ...]
    stage_by_tier: dict[tuple[str, str], ClassCount]
    cells: tuple[Cell, ...]
    loyal: int
    has_own_rhythm: bool
    value_measure: str
    curve: tuple[CurvePoint, ...]
    high_ends_at: CurvePoint | None
    mid_ends_at: CurvePoint | None
    silent: Silent
    channels: tuple[ChannelCount, ...]
    campaign_id: str | None
    cuts: tuple[Cut, ...]
    landed: tuple[LandedRows, ...]
    orders_without_rate: int
    checks: tuple[CheckResult, ...]
    generated_sources: tuple[str, ...]

    @property
    def customers(self) -> int:
        return sum(stage.customers for stage in self.stages)

    @property
    def revenue(self) -> Decimal:
        return sum((stage.revenue for stage in self.stages), Decimal(0))


def read_content(
    con: duckdb.DuckDBPyConnection,
    *,
    day: date,
    code_version: str,
    currency: str,
    landed: Sequence[LandedRows] = (),
    checks: Sequence[CheckResult] = (),
) -> ReportContent:
    """Read the report of `day`.

    Raises:
        PublishingError: the day is not stored, or a mart is missing.
    """
    try:
        return _read(con, day, code_version, currency, landed, checks)
    except duckdb.CatalogException as error:
        raise PublishingError(
            f"The report needs a table that is not in the warehouse ({error}). Run `strata run`."
        ) from None


def _read(
    con: duckdb.DuckDBPyConnection,
    day: date,
    code_version: str,
    currency: str,
    landed: Sequence[LandedRows],
    checks: Sequence[CheckResult],
) -> ReportContent:
    standard = standard_of(con, day)
    if standard is None:
        raise PublishingError(f"{day} is not stored in the warehouse. Compute it first: strata run --as-of {day}")
    labels = read_labels(con)
    curve = _curve(con, day)
    tier_shares = _tier_shares(con, day)
    sources = {row.source for row in landed} | {name for (name,) in _rows(con, _SOURCES)}
    return ReportContent(
        day=day,
        standard_version=standard,
        code_version=code_version,
        currency=currency,
        labels=labels,
        stages=_classes(con, day, "lifecycle_stage", labels),
        tiers=_classes(con, day, "value_tier", labels),
        types=_classes(con, day, "rfm_type", labels),
        segments=_classes(con, day, "rfm_segment", labels),
        stage_by_tier={
            (code, tier): ClassCount(code, *numbers)
            for code, tier, *numbers in _rows(
                con,
                f"select class, breakdown_class, {_NUMBERS} from marts.segment_summary where as_of_date = $day "
                "and dimension = 'lifecycle_stage' and breakdown = 'value_tier'",
                day=day,
            )
        },
        cells=_cells(con, day),
        loyal=_rows(con, "select count(*) from marts.customer_segments where as_of_date = $day and is_loyal", day=day)[
            0
        ][0],
        has_own_rhythm=bool(_rows(con, _OWN_RHYTHM, day=day)),
        value_measure=next(iter(_rows(con, _MEASURE, day=day)), ("revenue",))[0] or "revenue",
        curve=curve,
        high_ends_at=tier_shares.get("high"),
        mid_ends_at=tier_shares.get("mid"),
        silent=_silent(con, day, labels),
        channels=tuple(ChannelCount(*row) for row in _rows(con, _CHANNELS, day=day)),
        campaign_id=next(iter(_rows(con, _CAMPAIGN, day=day)), (None,))[0],
        cuts=tuple(Cut(*row) for row in _rows(con, _CUTS, day=day)),
        landed=tuple(sorted(landed, key=lambda row: (row.source, row.entity))),
        orders_without_rate=_rows(con, "select count(*) from marts.orders_without_rate")[0][0],
        checks=tuple(checks),
        generated_sources=tuple(sorted(name for name in sources if name.endswith(GENERATED_SUFFIX))),
    )


_NUMBERS = "customers, customer_share, revenue_window, revenue_share"
_SOURCES = "select distinct source from identity.customer_aliases"
_MEASURE = "select value_measure from marts.customer_value where as_of_date = $day limit 1"
_OWN_RHYTHM = "select 1 from marts.customer_lifecycle where as_of_date = $day and limit_basis = 'own_rhythm' limit 1"
_CAMPAIGN = "select campaign_id from marts.reactivation_list where as_of_date = $day limit 1"
_CHANNELS = """
    select channel, eligible, treated, control, not_reached, note, consent_default_reason
    from marts.reactivation_list_notes where as_of_date = $day order by channel
"""
_CUTS = """
    select purpose, measure, cut_number, cut_value from marts.rfm_cut_points
    where as_of_date = $day order by purpose, measure, cut_number
"""


def _classes(con: duckdb.DuckDBPyConnection, day: date, dimension: str, labels: Labels) -> tuple[ClassCount, ...]:
    """The classes of a dimension in the order of the standard, those without customers included."""
    found = {
        row[0]: ClassCount(*row)
        for row in _rows(
            con,
            f"select class, {_NUMBERS} from marts.segment_summary "
            "where as_of_date = $day and dimension = $dimension and breakdown = 'total' order by class",
            day=day,
            dimension=dimension,
        )
    }
    known = labels.codes(dimension)
    empty = {code: ClassCount(code, 0, Decimal(0), Decimal(0), Decimal(0)) for code in known}
    return tuple((empty | found).values())


def _cells(con: duckdb.DuckDBPyConnection, day: date) -> tuple[Cell, ...]:
    """Every cell of the grid, empty ones too where the standard names them; none without scores."""
    rows = _rows(
        con,
        """
        select r_score, f_score, min(rfm_segment), count(*), sum(revenue_window)
        from marts.customer_segments where as_of_date = $day and r_score is not null
        group by r_score, f_score order by r_score, f_score
        """,
        day=day,
    )
    found = {(r, f): Cell(r, f, segment, customers, revenue) for r, f, segment, customers, revenue in rows}
    if not found:
        return ()
    bins = max(max(place) for place in found)
    names = _segment_names(con, day)
    return tuple(
        found.get((r, f), Cell(r, f, names.get((r, f)), 0, Decimal(0)))
        for r in range(1, bins + 1)
        for f in range(1, bins + 1)
    )


def _segment_names(con: duckdb.DuckDBPyConnection, day: date) -> dict[tuple[int, int], str]:
    """The segment of each cell in the day's standard; nothing in a warehouse that keeps no grid."""
    if not _rows(con, "select 1 from duckdb_tables() where schema_name = 'control' and table_name = 'rfm_grid'"):
        return {}
    rows = _rows(
        con,
        "select r_score, f_score, rfm_segment from control.rfm_grid where standard_version = $standard",
        standard=standard_of(con, day),
    )
    return {(r, f): segment for r, f, segment in rows}


def _curve(con: duckdb.DuckDBPyConnection, day: date) -> tuple[CurvePoint, ...]:
    """Cumulative value over customers from the best on, thinned to about CURVE_POINTS; from (0, 0) to (1, 1)."""
    rows = _rows(
        con,
        """
        with ranked as (
            select
                row_number() over best as rank,
                count(*) over () as customers,
                sum(value) over (best rows between unbounded preceding and current row) as reached,
                sum(value) over () as total
            from marts.customer_value where as_of_date = $day and value > 0
            window best as (order by value desc, customer_id)
        )
        select max(rank) / any_value(customers), max(reached) / any_value(total)
        from ranked group by ceil(rank * $points / customers) order by 1
        """,
        day=day,
        points=CURVE_POINTS,
    )
    points = tuple(CurvePoint(round(float(x), 6), round(float(y), 6)) for x, y in rows)
    return (CurvePoint(0.0, 0.0), *points) if points else ()


def _tier_shares(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, CurvePoint]:
    """Where on the curve the tiers high and mid end."""
    rows = _rows(
        con,
        """
        select value_tier, count(*), sum(value) from marts.customer_value
        where as_of_date = $day and value > 0 group by value_tier
        """,
        day=day,
    )
    counts = {tier: (customers, value) for tier, customers, value in rows}
    customers = sum(count for count, _ in counts.values())
    total = sum((value for _, value in counts.values()), Decimal(0))
    ends, reached, sum_reached = {}, 0, Decimal(0)
    for tier in ("high", "mid"):
        if tier not in counts:
            continue
        reached += counts[tier][0]
        sum_reached += counts[tier][1]
        ends[tier] = CurvePoint(reached / customers, float(sum_reached / total))
    return ends


def _silent(con: duckdb.DuckDBPyConnection, day: date, labels: Labels) -> Silent:
    def counts(column: str) -> tuple[tuple[str, int], ...]:
        rows = dict(
            _rows(
                con,
                f"select {column}, count(*) from marts.silent_customers "
                f"where as_of_date = $day and {column} is not null group by 1 order by 1",
                day=day,
            )
        )
        order = [*labels.codes(column), *rows]
        return tuple((code, rows[code]) for code in dict.fromkeys(order) if code in rows)

    customers, eligible = _rows(
        con,
        "select count(*), count(*) filter (suppressed_reason is null) from marts.silent_customers "
        "where as_of_date = $day",
        day=day,
    )[0]
    return Silent(customers, counts("silence_cause"), counts("suppressed_reason"), eligible)


def _rows(con: duckdb.DuckDBPyConnection, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    return con.execute(statement, values).fetchall() if values else con.execute(statement).fetchall()
