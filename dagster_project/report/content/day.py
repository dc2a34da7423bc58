"""Everything the page shows of one day, as numbers: read from the marts, without words, formats or HTML.

Counts, sums and means only; no customer can be told from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from dagster_project.publishing.labels import Labels, read_labels
from dagster_project.publishing.tables import PublishingError, standard_of
from dagster_project.report.content.breakdowns import Breakdown, read_breakdowns
from dagster_project.report.content.classes import (
    ClassCount,
    ClassedDimension,
    Dimension,
    read_classes,
    read_dimensions,
    read_own_dimensions,
    read_within_tiers,
)
from dagster_project.report.content.foretold import Foretold, read_foretold
from dagster_project.report.content.lift import Lifts, read_lifts
from dagster_project.report.content.matrices import Matrix, read_matrices
from dagster_project.report.content.movement import (
    Movement,
    Stability,
    StagesOn,
    read_movement,
    read_stability,
    read_stability_limits,
    read_stages_over_time,
)
from dagster_project.report.content.needs import (
    Flag,
    Need,
    Satisfaction,
    read_flags,
    read_needs,
    read_satisfaction,
)
from dagster_project.report.content.outlook import Outlook, read_outlook
from dagster_project.report.content.proof import Foresight, Snapshot, read_backtest, read_foresights
from dagster_project.report.content.reactivation import ChannelCount, Silent, read_channels, read_silent
from dagster_project.report.content.rows import rows_of
from dagster_project.report.content.spending import Spending, read_budget, read_spending
from dagster_project.report.content.value import Cell, CurvePoint, read_cells, read_curve, read_tier_ends
from dagster_project.settings.publishing import Language

GENERATED_SUFFIX = "_generated"  # of sources that the sample invents


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
    standard_version: str
    code_version: str
    currency: str
    labels: Labels
    dimensions: tuple[Dimension, ...]
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
    matrices: tuple[Matrix, ...]
    own: tuple[ClassedDimension, ...]
    stages_over_time: tuple[StagesOn, ...]
    movement: Movement | None
    stability: tuple[Stability, ...]
    stability_limits: tuple[Decimal, Decimal] | None
    needs: tuple[Need, ...]
    satisfaction: tuple[Satisfaction, ...]
    flags: tuple[Flag, ...]
    breakdowns: tuple[Breakdown, ...]
    budget: Decimal
    spending: tuple[Spending, ...]
    outlook: Outlook | None
    foretold: Foretold
    backtest: tuple[Snapshot, ...]
    foresights: tuple[Foresight, ...]
    silent: Silent
    channels: tuple[ChannelCount, ...]
    campaign_id: str | None
    lifts: Lifts
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

    def dimension_name(self, code: str, language: Language) -> str:
        """A dimension's own name; one that the day does not have goes by its code."""
        return next((known.name(language) for known in self.dimensions if known.code == code), code.replace("_", " "))


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
    dimensions = read_dimensions(con, day)
    tier_ends = read_tier_ends(con, day)
    sources = {row.source for row in landed} | {name for (name,) in rows_of(con, _SOURCES)}
    return ReportContent(
        day=day,
        standard_version=standard,
        code_version=code_version,
        currency=currency,
        labels=labels,
        dimensions=dimensions,
        stages=read_classes(con, day, "lifecycle_stage", labels),
        tiers=read_classes(con, day, "value_tier", labels),
        types=read_classes(con, day, "rfm_type", labels),
        segments=read_classes(con, day, "rfm_segment", labels),
        stage_by_tier=read_within_tiers(con, day, "lifecycle_stage"),
        cells=read_cells(con, day, standard),
        loyal=rows_of(con, _LOYAL, day=day)[0][0],
        has_own_rhythm=bool(rows_of(con, _OWN_RHYTHM, day=day)),
        value_measure=next(iter(rows_of(con, _MEASURE, day=day)), ("revenue",))[0] or "revenue",
        curve=read_curve(con, day),
        high_ends_at=tier_ends.get("high"),
        mid_ends_at=tier_ends.get("mid"),
        matrices=read_matrices(con, day, standard, dimensions, labels),
        own=read_own_dimensions(con, day, dimensions, labels),
        stages_over_time=read_stages_over_time(con, day),
        movement=read_movement(con, day),
        stability=read_stability(con, day),
        stability_limits=read_stability_limits(con, standard),
        needs=read_needs(con, day, dimensions, labels),
        satisfaction=read_satisfaction(con, day),
        flags=read_flags(con, day),
        breakdowns=read_breakdowns(con, day),
        budget=read_budget(con),
        spending=read_spending(con, day, dimensions),
        outlook=read_outlook(con, day),
        foretold=read_foretold(con, day),
        backtest=read_backtest(con, day),
        foresights=read_foresights(con, day),
        silent=read_silent(con, day, labels),
        channels=read_channels(con, day),
        campaign_id=next(iter(rows_of(con, _CAMPAIGN, day=day)), (None,))[0],
        lifts=read_lifts(con, day),
        cuts=tuple(Cut(*row) for row in rows_of(con, _CUTS, day=day)),
        landed=tuple(sorted(landed, key=lambda row: (row.source, row.entity))),
        orders_without_rate=rows_of(con, "select count(*) from marts.orders_without_rate")[0][0],
        checks=tuple(checks),
        generated_sources=tuple(sorted(name for name in sources if name.endswith(GENERATED_SUFFIX))),
    )


_SOURCES = "select distinct source from identity.customer_aliases"
_LOYAL = "select count(*) from marts.customer_segments where as_of_date = $day and is_loyal"
_MEASURE = "select value_measure from marts.customer_value where as_of_date = $day limit 1"
_OWN_RHYTHM = "select 1 from marts.customer_lifecycle where as_of_date = $day and limit_basis = 'own_rhythm' limit 1"
_CAMPAIGN = "select campaign_id from marts.reactivation_list where as_of_date = $day limit 1"
_CUTS = """
    select purpose, measure, cut_number, cut_value from marts.rfm_cut_points
    where as_of_date = $day order by purpose, measure, cut_number
"""
