"""Settings and the days of a run as rows in the schema `control`, from which the models read them.

Rules are rows keyed by standard_version, so that one run may cross a change of standard and no model is parsed again
for a new number. Nothing here classifies.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dagster_project.clustering.register import cluster_rows
from dagster_project.privacy.objections import read_choices
from dagster_project.publishing.assignments import entries_of, read_listings
from dagster_project.settings import Settings
from dagster_project.settings.standards import Standard
from dagster_project.warehouse.checked_days import forget_checked
from dagster_project.warehouse.control_tables import TABLES, create_kept_tables
from dagster_project.warehouse.marks import own_marks, read_marked
from dagster_project.warehouse.rule_rows import Row, own_rule_macro, rule_rows, word_rows
from dagster_project.warehouse.standard_register import read_standards, register_standard, standard_effective_on

if TYPE_CHECKING:
    from dagster_project.landing import Manifest

# classification_backtest looks so far ahead, whatever the horizon of return rates is.
BACKTEST_HORIZON_DAYS = 90


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
    listed_days: Collection[date] = (),
) -> list[AsOfDay]:
    """Replace the control tables for a run of `days`; returns every day that the run computes.

    Registers the configured standard. A list is issued for `issue_list_for`, one of `days`, or for none; once a later
    list is issued, nobody can enter on an earlier day any more. Days of `listed_days` issued theirs before: it is drawn
    up as it was.

    Raises:
        StrataError: a day precedes every registered standard.
    """
    register = register_standard(settings.paths.standards, settings.standard)
    create_kept_tables(con)
    _forget_lost_history(con)
    requested = {day: standard_effective_on(day, register) for day in sorted(set(days))}
    # Earlier days are neither compared with nor learnt from: nothing is known of them, or no standard classifies them.
    starts_on = max(settings.sources.business.history_starts_on, min(entry.effective_from for entry in register))
    compared = {day: end for day in requested if (end := last_month_end_before(day)) >= starts_on}
    compared_standards = {day: standard_effective_on(day, register) for day in compared.values()}
    references = {day: _reference_days(day, standard) for day, standard in requested.items()}
    wanted = {reference for ends in references.values() for reference in ends}
    missing = _references_to_build(
        con,
        manifest,
        {reference: standard_effective_on(reference, register) for reference in wanted if reference >= starts_on},
    )
    computed = [
        AsOfDay(
            day=day,
            standard=requested.get(day) or compared_standards.get(day) or missing[day],
            is_requested=day in requested,
            is_compared=day in compared_standards,
            is_reference=day in wanted,
            issues_list=day == issue_list_for or (day in requested and day in listed_days),
        )
        for day in sorted({*requested, *compared_standards, *missing})
    ]
    campaign = settings.publishing.reactivation.campaign
    listings = read_listings(settings.paths)
    last_listed = max(listings["listed_on"].to_pylist(), default=date.min)
    standards = list({entry.standard.version: entry.standard for entry in register}.values())
    rows: dict[str, list[Row]] = {
        "as_of_days": [
            {
                "as_of_date": d.day,
                "standard_version": d.standard.version,
                "is_requested": d.is_requested,
                "is_classified": d.is_requested or d.is_compared,
                "is_reference": d.is_reference,
                "issues_list": d.issues_list,
                "has_later_list": d.day < last_listed and d.day not in listed_days,
            }
            for d in computed
        ],
        "compared_days": [{"as_of_date": day, "compared_on": end} for day, end in compared.items()],
        "reference_days": [
            {"as_of_date": day, "reference_on": reference} for day, ends in references.items() for reference in ends
        ],
        "configured_entities": [{"entity": entity} for entity in sorted(settings.sources.entities)],
        **rule_rows(standards),
        **word_rows(settings.standard, standards, settings.publishing.language),
        **cluster_rows(settings.paths.clusters, {d.day: _cluster_count(d.standard) for d in computed}),
        "channels": [
            {
                "channel": channel.name,
                "position": position,
                "consent_channel": channel.consent,
                "contact_point": channel.contact_point,
                "capacity": channel.capacity,
                "carries_over": channel.carries_over,
            }
            for position, channel in enumerate(settings.publishing.reactivation.channels, start=1)
        ],
        "campaign_days": [
            {
                "as_of_date": day,
                "campaign_id": campaign.id_on(day),
                "window_starts_on": campaign.window_on(day)[0],
            }
            for day in requested
        ],
        "reactivation": [_reactivation_row(settings)],
        "next_products": [settings.publishing.next_products.model_dump()],
    }
    con.begin()
    try:
        for table, columns in TABLES.items():
            con.execute(f"create or replace table control.{table} ({columns})")
        for table, table_rows in rows.items():
            _insert(con, table, table_rows)
        con.execute(own_rule_macro(standards))
        forget_checked(con, requested)
        choices = read_choices(settings.paths)
        kept = (("listings", listings), ("assignments", entries_of(listings)), ("profiling_choices", choices))
        for table, kept_rows in kept:
            con.register("kept_rows", kept_rows)
            con.execute(f"insert into control.{table} by name select * from kept_rows")
            con.unregister("kept_rows")
        con.commit()
    except BaseException:
        con.rollback()
        raise
    return computed


def record_builds(con: duckdb.DuckDBPyConnection, computed: Sequence[AsOfDay], manifest: Manifest) -> None:
    """Note that the tables of the computed days hold all batches of `manifest`; later batches may mark them again."""
    create_kept_tables(con)
    con.begin()
    for day in computed:
        for table in ("snapshot_builds", "history_days") if day.is_requested else ():
            con.execute(
                f"insert or replace into control.{table} values (?, ?, ?)",
                [day.day, day.standard.version, manifest.newest_sequence],
            )
        if day.is_requested:
            con.execute("delete from control.relinked_days where as_of_date = ?", [day.day])
        if day.is_reference:
            con.execute(
                "insert or replace into control.reference_builds values (?, ?, ?)",
                [day.day, day.standard.version, manifest.newest_sequence],
            )
    con.commit()


def stored_days(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Days whose tables are stored, rising."""
    create_kept_tables(con)
    return [day for (day,) in con.execute("select as_of_date from control.snapshot_builds order by 1").fetchall()]


def marked_days(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> list[date]:
    """Days that a later batch can have changed, from its earliest changed business day on, or that were relinked.

    Days that are no longer stored are among them: segment_history still holds their classes.
    """
    return read_marked(con, manifest).days


def mark_relinked_days(con: duckdb.DuckDBPyConnection, changed_from: date, standards: Path) -> None:
    """Mark every computed day from `changed_from` on: its customers were put together from other references.

    Month ends learnt from are forgotten where the outcome that follows them reaches so far, by the standards registered
    in the folder `standards`. The caller holds the transaction in which the customers change.
    """
    create_kept_tables(con)
    con.execute(
        """
        insert or ignore into control.relinked_days
        select as_of_date from control.snapshot_builds where as_of_date >= $day
        union
        select as_of_date from control.history_days where as_of_date >= $day
        """,
        {"day": changed_from},
    )
    horizons = [entry.standard.silence.return_rate.horizon_days for entry in read_standards(standards)]
    reach = timedelta(days=max([BACKTEST_HORIZON_DAYS, *horizons]))
    con.execute(
        "delete from control.reference_builds where reference_on >= ?", [max(changed_from, date.min + reach) - reach]
    )


def _forget_lost_history(con: duckdb.DuckDBPyConnection) -> None:
    """Where segment_history was dropped, the days that it held are computed no more."""
    con.execute(
        "delete from control.history_days where not exists (from duckdb_tables() where schema_name = 'marts' "
        "and table_name = 'segment_history' and database_name = current_database())"
    )


def last_month_end_before(day: date) -> date:
    """The last day of the month before `day`'s; the day with which movement is measured."""
    return day.replace(day=1) - timedelta(days=1)


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
    # Outcomes come from customer days, of which no first record says anything: what reaches back is no matter.
    marks = own_marks(manifest)

    def is_current(day: date, standard: Standard) -> bool:
        version, sequence = stored.get(day, (None, 0))
        horizon = max(standard.silence.return_rate.horizon_days, BACKTEST_HORIZON_DAYS)
        return version == standard.version and not marks.hold(day + timedelta(days=horizon), built_from=sequence)

    return {day: standard for day, standard in wanted.items() if not is_current(day, standard)}


def _cluster_count(standard: Standard) -> int | None:
    return None if standard.clusters is None else standard.clusters.count


def _reactivation_row(settings: Settings) -> Row:
    reactivation = settings.publishing.reactivation
    default = reactivation.consent_default
    return {
        "salt": reactivation.campaign.salt,
        "control_share": reactivation.control_share,
        "cool_down_days": reactivation.cool_down_days,
        "consent_default_reason": None if default is None else default.reason,
    }


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        columns = ", ".join(rows[0])
        places = ", ".join("?" * len(rows[0]))
        con.executemany(
            f"insert into control.{table} ({columns}) values ({places})", [list(row.values()) for row in rows]
        )
