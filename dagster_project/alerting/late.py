"""Which business days are over and not stored, and which sources are silent for longer than they may be.

Freshness by day: Dagster keeps it per asset, where rebuilding an old day would pass for news.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dagster_project.landing import Manifest
from dagster_project.landing.batches import Batch
from dagster_project.publishing.parquet import DAY_PREFIX
from dagster_project.settings import Settings
from dagster_project.settings.alerts import AlertSettings
from dagster_project.warehouse import WarehouseHeld, opened
from dagster_project.warehouse.control import stored_days
from dagster_project.warehouse.run_window import last_complete_day

# A gap is told while somebody may still mend it from memory; older ones are seen in `strata status`.
DAYS_WATCHED = 7


@dataclass(frozen=True)
class SilentSource:
    """A source of which nothing has landed for too long; `landed_at` None: never."""

    name: str
    expected_every_hours: int
    landed_at: datetime | None


@dataclass(frozen=True)
class Late:
    """What is late; `is_held`: another process had the warehouse, so that days were read from what is published."""

    days: Sequence[date] = ()
    sources: Sequence[SilentSource] = ()
    is_held: bool = False

    def __bool__(self) -> bool:
        return bool(self.days or self.sources)

    def keys(self, now: datetime, time_zone: str) -> list[str]:
        """A name for each late thing and business date: what is told once is told again on the next."""
        today = now.astimezone(ZoneInfo(time_zone)).date()
        return [
            *(f"late day {day}, told on {today}" for day in self.days),
            *(f"late source {source.name}, told on {today}" for source in self.sources),
        ]


def find_late(settings: Settings, *, now: datetime) -> Late:
    """What is late at `now`. While a run has the warehouse, days are those that Parquet holds."""
    alerts, business = settings.publishing.alerts, settings.sources.business
    if not alerts.watches_lateness:
        return Late()
    is_held = False
    stored: list[date] = []
    if alerts.late_after is not None and settings.paths.warehouse.exists():
        try:
            with opened(settings.paths.warehouse, who="a look for late data", wait_seconds=0) as con:
                stored = stored_days(con)
        except WarehouseHeld:
            is_held = True
            stored = _published_days(settings)
    days = late_days(
        stored,
        now=now,
        alerts=alerts,
        time_zone=business.time_zone,
        history_starts_on=business.history_starts_on,
    )
    return Late(days, silent_sources(Manifest.load(settings.paths).batches, now=now, alerts=alerts), is_held)


def _published_days(settings: Settings) -> list[date]:
    folder = settings.paths.published / "parquet"
    return sorted(
        date.fromisoformat(path.name.removeprefix(DAY_PREFIX))
        for path in folder.glob(f"{DAY_PREFIX}*")
        if path.is_symlink()
    )


def late_days(
    stored: Sequence[date], *, now: datetime, alerts: AlertSettings, time_zone: str, history_starts_on: date
) -> list[date]:
    """Days of the last `DAYS_WATCHED` that must be stored by now and are not, rising.

    A day is due at `late_after` of the day that follows it. Days before the first stored one are not missed.
    """
    if alerts.late_after is None:
        return []
    due = last_complete_day(now, ZoneInfo(time_zone))
    if now.astimezone(ZoneInfo(time_zone)).time() < alerts.late_after:
        due -= timedelta(days=1)
    first = max(min(stored, default=due), due - timedelta(days=DAYS_WATCHED - 1), history_starts_on)
    known = set(stored)
    watched = (first + timedelta(days=each) for each in range((due - first).days + 1))
    return [day for day in watched if day not in known]


def silent_sources(batches: Iterable[Batch], *, now: datetime, alerts: AlertSettings) -> list[SilentSource]:
    """Sources of which no batch landed within the hours that are expected of them; batches made by landing itself and
    rows of the quarantine that were read again are no news."""
    newest: dict[str, datetime] = {}
    for batch in batches:
        if not batch.is_derived and batch.replays is None:
            newest[batch.source] = max(batch.landed_at, newest.get(batch.source, batch.landed_at))
    return [
        SilentSource(name, hours, newest.get(name))
        for name, hours in sorted(alerts.expected_every_hours.items())
        if name not in newest or now - newest[name] > timedelta(hours=hours)
    ]
