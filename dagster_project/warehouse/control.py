"""Settings and the days of a run as rows in the schema `control`, from which the models read them.

Rules are rows keyed by standard_version, so that one run may cross a change of standard and no model is parsed again
for a new number. Nothing here classifies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from dagster_project.publishing.assignments import read_assignments
from dagster_project.settings import Settings
from dagster_project.settings.standards import Standard
from dagster_project.warehouse.standard_register import register_standard, standard_effective_on

if TYPE_CHECKING:
    from dagster_project.landing import Manifest

_TABLES = {
    "as_of_days": """
        as_of_date date, standard_version varchar, is_requested boolean, is_classified boolean, is_reference boolean,
        issues_list boolean, has_later_list boolean""",
    "compared_days": "as_of_date date, compared_on date",
    "standards": """
        standard_version varchar, name varchar, effective_from date, registration integer, window_days integer,
        rfm_method varchar, rfm_bins integer, type_cut varchar, has_grid boolean,
        recency_weight decimal(12, 6), frequency_weight decimal(12, 6), monetary_weight decimal(12, 6),
        lifecycle_method varchar, new_days integer, reactivated_days integer,
        fixed_silence_days integer, fixed_churn_days integer, minimum_order_days integer,
        silence_multiplier decimal(9, 4), silence_at_least integer, silence_at_most integer,
        churn_multiplier decimal(9, 4), churn_at_least integer, churn_at_most integer,
        loyal_order_days integer,
        value_measure varchar, value_method varchar, value_high_cut decimal(18, 6), value_mid_cut decimal(18, 6),
        maximum_recency_days integer, complaint_days integer, price_share decimal(9, 6),
        seasonal_order_days integer, seasonal_years integer, seasonal_share decimal(9, 6), fading_gaps integer,
        return_month_ends integer, return_horizon_days integer, return_prior_weight integer,
        premium_cut integer, premium_bins integer, novelty_days integer,
        expected_value_weight decimal(12, 6), growth_weight decimal(12, 6), industry_outlook_weight decimal(12, 6),
        company_size_weight decimal(12, 6), opportunity_weight decimal(12, 6), independence_weight decimal(12, 6),
        close_days integer, high_urgency decimal(9, 6), medium_urgency decimal(9, 6), low_urgency decimal(9, 6),
        need_days integer, need_type_cut decimal(9, 6),
        high_frequency_cut integer, high_frequency_bins integer,
        at_risk_drop decimal(9, 6), at_risk_complaint_days integer, at_risk_alive_below decimal(9, 6),
        potential_buyer_days integer, has_clusters boolean,
        stability_warn decimal(9, 6), stability_fail decimal(9, 6)""",
    "industry_outlooks": "standard_version varchar, industry varchar, outlook decimal(9, 6)",
    "company_sizes": "standard_version varchar, company_size varchar, position integer",
    "opportunity_stages": "standard_version varchar, stage varchar, position integer, is_explicit boolean",
    "closed_lead_stages": "standard_version varchar, stage varchar",
    "trial_categories": "standard_version varchar, category varchar",
    "matrix_axes": """
        standard_version varchar, matrix varchar, position integer, axis varchar, measure varchar, cut_method varchar,
        cut_value decimal(24, 6), cut_number integer, cut_bins integer""",
    "matrix_quadrants": """
        standard_version varchar, matrix varchar, is_x_high boolean, is_y_high boolean, quadrant varchar""",
    "own_dimensions": "standard_version varchar, dimension varchar, position integer, default_class varchar",
    "own_rules": """
        standard_version varchar, dimension varchar, rule_number integer, class varchar, expression varchar""",
    "cluster_days": "as_of_date date, fit integer",
    "cluster_centres": """
        fit integer, cluster varchar, recency_mean double, recency_deviation double, frequency_mean double,
        frequency_deviation double, monetary_mean double, monetary_deviation double,
        recency_centre double, frequency_centre double, monetary_centre double""",
    "dimensions": """
        dimension varchar, position integer, kind varchar, label_en varchar, label_zh varchar, label varchar""",
    "plans": """
        dimension varchar, dimension_position integer, class varchar, aim_en varchar, aim_zh varchar,
        actions_en varchar, actions_zh varchar, channels varchar, service_level varchar, contact_days integer,
        budget_share decimal(9, 6), feature_en varchar, feature_zh varchar, advantage_en varchar,
        advantage_zh varchar, benefit_en varchar, benefit_zh varchar, evidence_en varchar, evidence_zh varchar""",
    "budget": "budget decimal(18, 2)",
    "configured_entities": "entity varchar",
    "rfm_thresholds": "standard_version varchar, measure varchar, cut_number integer, cut_value decimal(18, 2)",
    "rfm_grid": "standard_version varchar, r_score integer, f_score integer, rfm_segment varchar",
    "return_bands": "standard_version varchar, measure varchar, band integer, lower_bound integer",
    "reference_days": "as_of_date date, reference_on date",
    "labels": "dimension varchar, code varchar, ordinal integer, label_en varchar, label_zh varchar, label varchar",
    "channels": "channel varchar, position integer, consent_channel varchar, contact_point varchar, capacity integer",
    "campaign_days": "as_of_date date, campaign_id varchar, window_starts_on date",
    "reactivation": """
        salt varchar, control_share decimal(6, 4), cool_down_days integer, consent_default_reason varchar""",
    "assignments": """
        campaign_id varchar, customer_id bigint, registry_id bigint, entered_on date, arm varchar, channel varchar,
        priority_score decimal(18, 6), position integer""",
}
# Kept from run to run: what each stored day was built from.
_KEPT_TABLES = {
    "snapshot_builds": "as_of_date date primary key, standard_version varchar, batch_sequence bigint",
    "reference_builds": "reference_on date primary key, standard_version varchar, batch_sequence bigint",
}


@dataclass(frozen=True)
class AsOfDay:
    """A day that a run computes: because it was asked for, is compared with a day that was, or is learnt from."""

    day: date
    standard: Standard
    is_requested: bool
    is_compared: bool
    is_reference: bool
    issues_list: bool


def write_control(
    con: duckdb.DuckDBPyConnection,
    *,
    settings: Settings,
    manifest: Manifest,
    days: Sequence[date],
    issue_list_for: date | None = None,
) -> list[AsOfDay]:
    """Replace the control tables for a run of `days`; returns every day that the run computes.

    Registers the configured standard. A list is issued for `issue_list_for`, one of `days`, or for none; once a later
    list is issued, nobody can enter on an earlier day any more.

    Raises:
        StrataError: a day precedes every registered standard.
    """
    register = register_standard(settings.paths.standards, settings.standard)
    _create_kept_tables(con)
    requested = {day: standard_effective_on(day, register) for day in sorted(set(days))}
    history_starts_on = settings.sources.business.history_starts_on
    compared = {day: end for day in requested if (end := last_month_end_before(day)) >= history_starts_on}
    compared_standards = {day: standard_effective_on(day, register) for day in compared.values()}
    references = {day: _reference_days(day, standard) for day, standard in requested.items()}
    wanted = {reference for ends in references.values() for reference in ends}
    missing = _references_to_build(
        con,
        manifest,
        {
            reference: standard_effective_on(reference, register)
            for reference in wanted
            if reference >= history_starts_on
        },
    )
    computed = [
        AsOfDay(
            day=day,
            standard=requested.get(day) or compared_standards.get(day) or missing[day],
            is_requested=day in requested,
            is_compared=day in compared_standards,
            is_reference=day in wanted,
            issues_list=day == issue_list_for,
        )
        for day in sorted({*requested, *compared_standards, *missing})
    ]
    standards = {entry.standard.version: entry.standard for entry in register}
    campaign = settings.publishing.reactivation.campaign
    assignments = read_assignments(settings.paths)
    last_entered = max(assignments["entered_on"].to_pylist(), default=date.min)
    rows: dict[str, Iterable[tuple[Any, ...]]] = {
        "as_of_days": [
            (
                d.day,
                d.standard.version,
                d.is_requested,
                d.is_requested or d.is_compared,
                d.is_reference,
                d.issues_list,
                d.day < last_entered,
            )
            for d in computed
        ],
        "compared_days": list(compared.items()),
        "standards": [
            _standard_row(registration, entry.standard)
            for registration, entry in enumerate({entry.standard.version: entry for entry in register}.values(), start=1)
        ],
        "configured_entities": [(entity,) for entity in sorted(settings.sources.entities)],
        "rfm_thresholds": [
            row for version, standard in standards.items() for row in _threshold_rows(version, standard)
        ],
        "rfm_grid": [row for version, standard in standards.items() for row in _grid_rows(version, standard)],
        "return_bands": [row for version, standard in standards.items() for row in _band_rows(version, standard)],
        "reference_days": [(day, reference) for day, ends in references.items() for reference in ends],
        "labels": _label_rows(settings),
        "channels": [
            (channel.name, position, channel.consent, channel.contact_point, channel.capacity)
            for position, channel in enumerate(settings.publishing.reactivation.channels, start=1)
        ],
        "campaign_days": [(day, campaign.id_on(day), campaign.window_on(day)[0]) for day in requested],
        "reactivation": [_reactivation_row(settings)],
    }
    con.begin()
    try:
        for table, columns in _TABLES.items():
            con.execute(f"create or replace table control.{table} ({columns})")
        for table, table_rows in rows.items():
            _insert(con, table, list(table_rows))
        con.register("assignment_rows", assignments)
        con.execute("insert into control.assignments by name select * from assignment_rows")
        con.unregister("assignment_rows")
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return computed


def record_builds(con: duckdb.DuckDBPyConnection, computed: Sequence[AsOfDay], manifest: Manifest) -> None:
    """Note that the tables of the computed days hold all batches of `manifest`; later batches may mark them again."""
    _create_kept_tables(con)
    con.begin()
    for day in computed:
        if day.is_requested:
            con.execute(
                "insert or replace into control.snapshot_builds values (?, ?, ?)",
                [day.day, day.standard.version, manifest.newest_sequence],
            )
        if day.is_reference:
            con.execute(
                "insert or replace into control.reference_builds values (?, ?, ?)",
                [day.day, day.standard.version, manifest.newest_sequence],
            )
    con.commit()


def stored_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Days whose tables are stored, rising."""
    _create_kept_tables(con)
    return [day for (day,) in con.execute("select as_of_date from control.snapshot_builds order by 1").fetchall()]


def marked_days(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> list[date]:
    """Stored days that a later batch can have changed: those from its earliest changed business day on."""
    _create_kept_tables(con)
    stored = con.execute(
        "select as_of_date, batch_sequence from control.snapshot_builds order by as_of_date"
    ).fetchall()
    return [day for day, sequence in stored if _is_marked(manifest, day, sequence)]


def _create_kept_tables(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists control")
    for table, columns in _KEPT_TABLES.items():
        con.execute(f"create table if not exists control.{table} ({columns})")


def last_month_end_before(day: date) -> date:
    """The last day of the month before `day`'s; the day with which movement is measured."""
    return day.replace(day=1) - timedelta(days=1)


def _is_marked(manifest: Manifest, day: date, built_from: int) -> bool:
    return any(
        batch.earliest_changed_on is not None and batch.earliest_changed_on <= day
        for batch in manifest.batches
        if batch.sequence > built_from
    )


def _reference_days(day: date, standard: Standard) -> list[date]:
    """The newest month ends at least the horizon before `day`, newest first."""
    learning = standard.silence.return_rate
    latest = day - timedelta(days=learning.horizon_days)
    ends: list[date] = []
    end = latest if (latest + timedelta(days=1)).day == 1 else latest.replace(day=1) - timedelta(days=1)
    for _ in range(learning.month_ends):
        ends.append(end)
        end = end.replace(day=1) - timedelta(days=1)
    return ends


def _references_to_build(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, wanted: dict[date, Standard]
) -> dict[date, Standard]:
    """Reference days whose outcome is not stored, or that a later batch or standard can have changed."""
    stored = {
        day: (version, sequence)
        for day, version, sequence in con.execute("select * from control.reference_builds").fetchall()
    }
    links_changed = {batch.sequence for batch in manifest.batches if batch.entity == "customer_links"}

    def is_current(day: date, standard: Standard) -> bool:
        version, sequence = stored.get(day, (None, 0))
        horizon = timedelta(days=standard.silence.return_rate.horizon_days)
        return (
            version == standard.version
            and not _is_marked(manifest, day + horizon, sequence)
            and not any(changed > sequence for changed in links_changed)
        )

    return {day: standard for day, standard in wanted.items() if not is_current(day, standard)}


def _standard_row(registration: int, standard: Standard) -> tuple[Any, ...]:
    rfm, life, value, silence = standard.rfm, standard.lifecycle, standard.value, standard.silence
    rhythm = life.own_rhythm
    return (
        standard.version,
        standard.name,
        standard.effective_from,
        registration,
        standard.window_days,
        rfm.method,
        rfm.bins,
        rfm.type_cut,
        rfm.grid is not None,
        rfm.weights.recency,
        rfm.weights.frequency,
        rfm.weights.monetary,
        life.method,
        life.new_days,
        life.reactivated_days,
        life.fixed.silence_days,
        life.fixed.churn_days,
        rhythm.minimum_order_days,
        rhythm.silence.multiplier,
        rhythm.silence.at_least,
        rhythm.silence.at_most,
        rhythm.churn.multiplier,
        rhythm.churn.at_least,
        rhythm.churn.at_most,
        life.loyal_order_days,
        value.measure,
        value.method,
        value.cuts.high,
        value.cuts.mid,
        silence.maximum_recency_days,
        silence.complaint_days,
        silence.price_share,
        silence.seasonal.order_days,
        silence.seasonal.years,
        silence.seasonal.share,
        silence.fading_gaps,
        silence.return_rate.month_ends,
        silence.return_rate.horizon_days,
        silence.return_rate.prior_weight,
        *(3, 4, 90, 1, 1, 1, 1, 1, 1, 30, 1, Decimal("0.5"), 0, 30, Decimal("0.75"), 9, 10),
        *(Decimal("0.5"), 30, Decimal("0.5"), 30, False, Decimal("0.1"), Decimal("0.25")),
    )


def _threshold_rows(version: str, standard: Standard) -> list[tuple[str, str, int, Decimal]]:
    thresholds = standard.rfm.thresholds
    if thresholds is None:
        return []
    return [
        (version, measure, number, Decimal(cut))
        for measure in ("recency", "frequency", "monetary")
        for number, cut in enumerate(getattr(thresholds, measure), start=1)
    ]


def _grid_rows(version: str, standard: Standard) -> list[tuple[str, int, int, str]]:
    if standard.rfm.grid is None:
        return []
    return [(version, r, f, segment) for (r, f), segment in sorted(standard.rfm.grid.assignment().items())]


def _band_rows(version: str, standard: Standard) -> list[tuple[str, str, int, int]]:
    learning = standard.silence.return_rate
    return [
        (version, measure, number, bound)
        for measure, bounds in (("silence_ratio", learning.ratio_bands), ("order_count", learning.order_bands))
        for number, bound in enumerate(bounds, start=1)
    ]


def _label_rows(settings: Settings) -> list[tuple[str, str, int, str, str, str]]:
    language = settings.publishing.language.value
    return [
        (dimension, code, ordinal, label.en, label.zh, getattr(label, language))
        for dimension, classes in settings.standard.classes().items()
        for ordinal, code in enumerate(classes, start=1)
        for label in [settings.standard.labels[dimension][code]]
    ]


def _reactivation_row(settings: Settings) -> tuple[Any, ...]:
    reactivation = settings.publishing.reactivation
    default = reactivation.consent_default
    return (
        reactivation.campaign.salt,
        reactivation.control_share,
        reactivation.cool_down_days,
        None if default is None else default.reason,
    )


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        con.executemany(f"insert into control.{table} values ({', '.join('?' * len(rows[0]))})", rows)
