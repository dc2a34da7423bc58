"""The day's reactivation list: silent customers, what keeps them off it, and who is reached through which channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from dagster_project.publishing.labels import Labels
from dagster_project.report.content.rows import rows_of


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


def read_channels(con: duckdb.DuckDBPyConnection, day: date) -> tuple[ChannelCount, ...]:
    """The channels of the day's list; none where no list was issued."""
    rows = rows_of(
        con,
        """
        select channel, eligible, treated, control, not_reached, note, consent_default_reason
        from marts.reactivation_list_notes where as_of_date = $day order by channel
        """,
        day=day,
    )
    return tuple(ChannelCount(*row) for row in rows)


def read_silent(con: duckdb.DuckDBPyConnection, day: date, labels: Labels) -> Silent:
    """Silent customers of the day."""

    def counts(column: str) -> tuple[tuple[str, int], ...]:
        rows = dict(
            rows_of(
                con,
                f"select {column}, count(*) from marts.silent_customers "
                f"where as_of_date = $day and {column} is not null group by 1 order by 1",
                day=day,
            )
        )
        order = [*labels.codes(column), *rows]
        return tuple((code, rows[code]) for code in dict.fromkeys(order) if code in rows)

    customers, eligible = rows_of(
        con,
        "select count(*), count(*) filter (suppressed_reason is null) from marts.silent_customers "
        "where as_of_date = $day",
        day=day,
    )[0]
    return Silent(customers, counts("silence_cause"), counts("suppressed_reason"), eligible)
