"""The rows of a channel's list: who is on it with their contact point as known now, and each field in words.

Lists and whatever else tells people whom to contact read through this module, so that all say the same. Where rows go
and who may see them is the callers' business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, partial
from typing import Any

import duckdb
import pyarrow.compute as pc

from dagster_project.publishing.assignments import ISSUED_SCHEMA, TREATED, IssuedList
from dagster_project.publishing.labels import Labels, read_labels
from dagster_project.publishing.list_words import CONSENT_BASES, POINTS, PREFERRED_CHANNELS, WEEKDAYS
from dagster_project.publishing.permission import refused_now
from dagster_project.publishing.spreadsheets import Kind
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import (
    RESULT_FIELDS,
    Channel,
    Language,
    ListField,
    Offers,
    PublishingSettings,
)

KINDS: dict[ListField, Kind] = dict.fromkeys(ListField, Kind.TEXT) | {
    ListField.POSITION: Kind.INTEGER,
    ListField.RECENCY_DAYS: Kind.INTEGER,
    ListField.SILENCE_LIMIT_DAYS: Kind.INTEGER,
    ListField.DAYS_SILENT: Kind.INTEGER,
    ListField.MEDIAN_GAP_DAYS: Kind.INTEGER,
    ListField.ORDER_COUNT: Kind.INTEGER,
    ListField.LAST_ORDER_ON: Kind.DAY,
    ListField.AVERAGE_ORDER_VALUE: Kind.DECIMAL,
    ListField.REVENUE: Kind.DECIMAL,
    ListField.REVENUE_BEFORE_SILENCE: Kind.DECIMAL,
    ListField.EXPECTED_VALUE: Kind.DECIMAL,
    ListField.PRIORITY_SCORE: Kind.DECIMAL,
    ListField.RETURN_RATE: Kind.SHARE,
    ListField.WORKED_AT: Kind.TIME,
}
_LABELLED = {
    ListField.LIFECYCLE_STAGE,
    ListField.SILENCE_CAUSE,
    ListField.VALUE_TIER,
    ListField.RFM_SEGMENT,
    ListField.NEED_TYPE,
}
_POINTS = ("feature", "advantage", "benefit", "evidence")
_WHOLE, _CENT = Decimal(1), Decimal("0.01")


@dataclass(frozen=True)
class Plan:
    """What the playbook says of a class, in one language."""

    label: str
    aim: str | None
    points: Mapping[str, str | None]


@dataclass(frozen=True)
class RowWords:
    """What turns the codes of a row into words of one language."""

    language: Language
    labels: Labels
    plans: Mapping[tuple[str, str], Plan]
    offers: Offers | None
    contact_hours: tuple[int, int]

    def shown(self, row: Mapping[str, Any], field: ListField) -> Any:
        """The value of a field as it is read: words, a number or a day; None where nothing is known."""
        return self.reader(field)(row)

    def reader(self, field: ListField) -> Callable[[Mapping[str, Any]], Any]:
        """What gives the value of a field for a row; a list of many rows asks for it once."""
        if field in RESULT_FIELDS:
            return lambda _: None
        if field in _COMPOSED:
            return partial(_COMPOSED[field], self)
        name = field.value
        if field in _LABELLED:
            return lambda row: self.labels.of(name, row[name], self.language)
        if field in _WORDS:
            words = {code: texts[self.language] for code, texts in _WORDS[field].items()}
            return lambda row: words.get(row[name], row[name])
        if KINDS[field] is Kind.INTEGER:
            return lambda row: None if row[name] is None else _rounded_whole(row[name])
        if KINDS[field] is Kind.DECIMAL:
            return lambda row: None if row[name] is None else Decimal(row[name]).quantize(_CENT, ROUND_HALF_UP)
        return lambda row: row[name]

    def _offer(self, row: Mapping[str, Any]) -> str | None:
        cause = row[ListField.SILENCE_CAUSE.value]
        if self.offers is None or cause is None:
            return None
        code = self.offers.offer(cause, row[ListField.NEED_TYPE.value])
        return getattr(self.offers.words[code], self.language.value) if code else None

    def _bought(self, row: Mapping[str, Any]) -> str | None:
        return self._named(row[ListField.LAST_PURCHASES.value] or ())

    def _next(self, row: Mapping[str, Any]) -> str | None:
        # Several products may share a name: a colour, a size. Who reads it would offer what was bought last.
        bought = row[ListField.LAST_PURCHASES.value] or ()
        return self._named([name for name in row[ListField.NEXT_PRODUCTS.value] or () if name not in bought])

    def _named(self, names: Sequence[str]) -> str | None:
        return ("；" if self.language is Language.CHINESE else "; ").join(dict.fromkeys(names)) or None

    def _hour(self, row: Mapping[str, Any]) -> str | None:
        hour = row[ListField.USUAL_HOUR.value]
        first, after = self.contact_hours
        # Who buys at night is not called at night; a source of dates alone says hour 0 of everybody.
        return f"{hour:02d}:00–{hour + 1:02d}:00" if hour is not None and first <= hour < after else None

    def _weekday(self, row: Mapping[str, Any]) -> str | None:
        weekday = row[ListField.BEST_WEEKDAY.value]
        return WEEKDAYS[weekday][self.language] if weekday is not None else None

    def _plan(self, row: Mapping[str, Any]) -> Plan | None:
        return self.plans.get((row["plan_dimension"], row["plan_class"]))

    def _aim(self, row: Mapping[str, Any]) -> str | None:
        plan = self._plan(row)
        colon = "：" if self.language is Language.CHINESE else ": "
        return colon.join(text for text in (plan.label, plan.aim) if text) if plan else None

    def _points(self, row: Mapping[str, Any]) -> str | None:
        return self._points_of_plans.get((row["plan_dimension"], row["plan_class"]))

    @cached_property
    def _points_of_plans(self) -> Mapping[tuple[str, str], str | None]:
        colon = "：" if self.language is Language.CHINESE else ": "
        return {
            place: "\n".join(
                f"{POINTS[point][self.language]}{colon}{text}" for point in _POINTS if (text := plan.points.get(point))
            )
            or None
            for place, plan in self.plans.items()
        }


_COMPOSED = {
    ListField.LAST_PURCHASES: RowWords._bought,
    ListField.NEXT_PRODUCTS: RowWords._next,
    ListField.OFFER: RowWords._offer,
    ListField.USUAL_HOUR: RowWords._hour,
    ListField.BEST_WEEKDAY: RowWords._weekday,
    ListField.PLAN: RowWords._aim,
    ListField.TALKING_POINTS: RowWords._points,
}
_WORDS = {ListField.CONSENT_BASIS: CONSENT_BASES, ListField.PREFERRED_CHANNEL: PREFERRED_CHANNELS}


def read_row_words(con: duckdb.DuckDBPyConnection, settings: PublishingSettings) -> RowWords:
    """The words in the language of the settings, from the standard's labels, its playbook and the settings' offers.

    Raises:
        PublishingError: the warehouse lacks the labels or the playbook.
    """
    return RowWords(
        language=settings.language,
        labels=read_labels(con),
        plans=_read_plans(con, settings.language),
        offers=settings.reactivation.offers,
        contact_hours=settings.reactivation.contact_hours,
    )


def channel_rows(
    con: duckdb.DuckDBPyConnection, channel: Channel, issued: IssuedList, *, paths: Paths, now: datetime
) -> list[dict[str, Any]]:
    """The channel's treated customers in order, with task_id, name and this channel's contact point as known now.

    Found by registry number: it stays with a person when a merge gives their customer another id. Who may not be
    contacted at this moment has neither name nor contact point.

    Raises:
        PublishingError: the warehouse has no customers to name.
    """
    treated = issued.rows.filter(
        pc.and_(pc.equal(issued.rows["arm"], TREATED), pc.equal(issued.rows["channel"], channel.name))
    )
    columns = ", ".join(f"issued.{name}" for name in ISSUED_SCHEMA.names)
    cursor = con.cursor()
    cursor.register("issued_rows", treated)
    try:
        rows = cursor.execute(
            f"""
            with aliases as (
                select registry_id, min(customer_id) as customer_id from identity.customer_aliases group by registry_id
            )
            select {columns}, trim(contacts.name) as name, nullif(trim(contacts.{channel.contact_point}), '') as contact
            from issued_rows as issued
            left join aliases on issued.registry_id = aliases.registry_id
            left join personal.customer_contacts as contacts on aliases.customer_id = contacts.customer_id
            order by issued.position, issued.customer_id
            """
        ).fetchall()
    except duckdb.CatalogException as error:
        raise PublishingError(f"The warehouse cannot name the list's customers ({error}). Run `strata run`.") from None
    finally:
        cursor.unregister("issued_rows")
    names = [*ISSUED_SCHEMA.names, ListField.NAME.value, ListField.CONTACT.value]
    refused = refused_now(con, treated, channel, paths=paths, now=now)
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    for row in listed:
        row[ListField.TASK_ID.value] = task_id(row)
        if row["registry_id"] in refused:
            row |= {ListField.NAME.value: None, ListField.CONTACT.value: None}
    return listed


def task_id(row: Mapping[str, Any]) -> str:
    """What an entry is called outside: its campaign, registry number and channel; merges and reruns leave it be."""
    return f"{row['campaign_id']}:{row['registry_id']}:{row['channel']}"


def shown_rows(rows: Sequence[Mapping[str, Any]], fields: Sequence[ListField], words: RowWords) -> list[list[Any]]:
    """Each row as the values of `fields` in words."""
    readers = [words.reader(field) for field in fields]
    return [[reader(row) for reader in readers] for row in rows]


def _rounded_whole(value: int | Decimal) -> int:
    return value if isinstance(value, int) else int(value.quantize(_WHOLE, ROUND_HALF_UP))


def _read_plans(con: duckdb.DuckDBPyConnection, language: Language) -> dict[tuple[str, str], Plan]:
    columns = ", ".join(f"{name}_{language.value}" for name in ("class_label", "aim", *_POINTS))
    try:
        rows = con.execute(f"select dimension, class, {columns} from marts.segment_playbook").fetchall()
    except duckdb.CatalogException:
        raise PublishingError("marts.segment_playbook is not in the warehouse. Build it with `strata run`.") from None
    return {
        (dimension, code): Plan(label, aim, dict(zip(_POINTS, points, strict=True)))
        for dimension, code, label, aim, *points in rows
    }
