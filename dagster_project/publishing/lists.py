"""Today's reactivation lists: one CSV and one XLSX a channel, for those who call and write.

The only code that takes personal data out of the warehouse. A list holds treated customers only, the columns its
channel needs, and the contact point of that channel; files are readable by their owner alone and every export is on
record before it is visible. Who is on the list was decided in the mart, and stands in `assignments`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dagster_project.publishing.assignments import CONTROL, ISSUED_SCHEMA, TREATED, IssuedList, issue
from dagster_project.publishing.atomic_files import (
    PRIVATE_FILE,
    private_folder,
    remove_unfinished,
    write_if_changed,
)
from dagster_project.publishing.audit import LIST_EXPORTS, append_record, read_records
from dagster_project.publishing.labels import Labels, read_labels
from dagster_project.publishing.list_words import (
    AMOUNTS,
    CARE,
    CHANNELS,
    CONSENT_BASES,
    CONTACT_HEADINGS,
    EXPLANATIONS,
    FACTS,
    HEADINGS,
    NOT_COMPUTED,
    NOTES,
    NOTES_SHEET,
    ONLY_CONTROL,
    WITHHELD,
)
from dagster_project.publishing.spreadsheets import Kind, SheetColumn, csv_bytes, xlsx_bytes
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import Channel, Language, ListField, PublishingSettings

_KINDS: dict[ListField, tuple[Kind, float]] = {
    ListField.POSITION: (Kind.INTEGER, 7),
    ListField.CUSTOMER_ID: (Kind.TEXT, 12),
    ListField.NAME: (Kind.TEXT, 24),
    ListField.CONTACT: (Kind.TEXT, 26),
    ListField.OWNER: (Kind.TEXT, 18),
    ListField.LIFECYCLE_STAGE: (Kind.TEXT, 14),
    ListField.SILENCE_CAUSE: (Kind.TEXT, 18),
    ListField.RECENCY_DAYS: (Kind.INTEGER, 14),
    ListField.SILENCE_LIMIT_DAYS: (Kind.INTEGER, 14),
    ListField.DAYS_SILENT: (Kind.INTEGER, 14),
    ListField.VALUE_TIER: (Kind.TEXT, 12),
    ListField.RFM_SEGMENT: (Kind.TEXT, 20),
    ListField.LAST_ORDER_ON: (Kind.DAY, 13),
    ListField.ORDER_COUNT: (Kind.INTEGER, 9),
    ListField.AVERAGE_ORDER_VALUE: (Kind.DECIMAL, 15),
    ListField.REVENUE: (Kind.DECIMAL, 15),
    ListField.PRIORITY_SCORE: (Kind.DECIMAL, 15),
    ListField.CONSENT_BASIS: (Kind.TEXT, 16),
}
_LABELLED = {ListField.LIFECYCLE_STAGE, ListField.SILENCE_CAUSE, ListField.VALUE_TIER, ListField.RFM_SEGMENT}


@dataclass(frozen=True)
class ChannelList:
    """One channel's list of a day. `withheld` customers were assigned but have no contact point any more."""

    channel: str
    rows: int
    withheld: int
    csv: Path
    xlsx: Path
    note: str | None
    is_changed: bool


@dataclass(frozen=True)
class DayLists:
    """The lists of a day; `control` customers were recorded and are on none of them."""

    day: date
    campaign_id: str | None
    is_new: bool
    control: int
    lists: tuple[ChannelList, ...]


@dataclass(frozen=True)
class _Note:
    code: str | None
    consent_default_reason: str | None


@dataclass(frozen=True)
class _Export:
    """All that the lists of one day have in common."""

    paths: Paths
    folder: Path
    settings: PublishingSettings
    day: date
    issued: IssuedList | None
    labels: Labels
    notes: dict[str, _Note]
    currency: str
    now: datetime
    who: str
    why: str

    @property
    def language(self) -> Language:
        return self.settings.language

    @property
    def campaign_id(self) -> str | None:
        return self.issued.campaign_id if self.issued else None

    def count(self, arm: str, channel: str | None = None) -> int:
        """Customers of an arm, on one channel or on all."""
        if self.issued is None:
            return 0
        rows = self.issued.rows.filter(pc.equal(self.issued.rows["arm"], arm))
        if channel is not None:
            rows = rows.filter(pc.equal(rows["channel"], channel))
        return int(rows.num_rows)


def write_lists(
    con: duckdb.DuckDBPyConnection,
    *,
    paths: Paths,
    settings: PublishingSettings,
    day: date,
    currency: str,
    now: datetime,
    who: str,
    why: str,
) -> DayLists:
    """Issue the list of `day` once and write its files to lists/<day>/; called again, nothing changes.

    `who` asked for the export and `why` go into the record. The steps are assignments, record, files: a run killed
    between them leaves no list whose customers were not assigned and no file that is not on record.

    Raises:
        PublishingError: the warehouse lacks the list, or its rows cannot be one.
    """
    issued = issue(con, paths, day)
    folder = private_folder(private_folder(paths.lists) / day.isoformat())
    remove_unfinished(folder)
    export = _Export(
        paths, folder, settings, day, issued, read_labels(con), _read_notes(con, day), currency, now, who, why
    )
    return DayLists(
        day=day,
        campaign_id=export.campaign_id,
        is_new=issued is not None and issued.is_new,
        control=export.count(CONTROL),
        lists=tuple(_write_list(con, export, channel) for channel in settings.reactivation.channels),
    )


def _write_list(con: duckdb.DuckDBPyConnection, export: _Export, channel: Channel) -> ChannelList:
    language = export.language
    assigned = _with_contacts(con, channel, export.issued) if export.issued else []
    shown = [row for row in assigned if row[ListField.CONTACT]]
    withheld = len(assigned) - len(shown)
    columns = [_column(field, channel, language, export.currency) for field in channel.fields]
    rows = [[_value(row, field, export.labels, language) for field in channel.fields] for row in shown]
    sentences = _sentences(export, channel, bool(shown), withheld)
    message = " ".join(sentences) or None
    heading = CHANNELS.get(channel.name, {}).get(language, channel.name)
    contents = {
        f"{channel.name}.csv": csv_bytes(columns, rows),
        f"{channel.name}.xlsx": xlsx_bytes(
            columns,
            rows,
            sheet=heading[:31],
            notes_sheet=NOTES_SHEET[language],
            notes=_facts(export, channel, heading, len(rows), sentences),
            message=None if rows else message,
        ),
    }
    note_file = f"{channel.name}.note.txt"
    if not rows and message:  # a CSV has no place for a sentence
        contents[note_file] = b"\xef\xbb\xbf" + message.encode() + b"\r\n"
    _record_once(export, channel, shown, withheld, contents)
    changed = [write_if_changed(export.folder / name, content, mode=PRIVATE_FILE) for name, content in contents.items()]
    if note_file not in contents:
        (export.folder / note_file).unlink(missing_ok=True)
    return ChannelList(
        channel=channel.name,
        rows=len(rows),
        withheld=withheld,
        csv=export.folder / f"{channel.name}.csv",
        xlsx=export.folder / f"{channel.name}.xlsx",
        note=message,
        is_changed=any(changed),
    )


def _with_contacts(con: duckdb.DuckDBPyConnection, channel: Channel, issued: IssuedList) -> list[dict[str, Any]]:
    """The channel's treated customers in order, with name and this channel's contact point as they are known now.

    Found by registry number: it stays with a person when a merge gives their customer another id.
    """
    treated = issued.rows.filter(
        pc.and_(pc.equal(issued.rows["arm"], TREATED), pc.equal(issued.rows["channel"], channel.name))
    )
    columns = ", ".join(f"issued.{name}" for name in ISSUED_SCHEMA.names)
    cursor = con.cursor()
    cursor.register("issued_rows", treated)
    try:
        rows = cursor.sql(
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
        ).to_arrow_table()
    except duckdb.CatalogException as error:
        raise PublishingError(f"The warehouse cannot name the list's customers ({error}). Run `strata run`.") from None
    finally:
        cursor.unregister("issued_rows")
    listed: list[dict[str, Any]] = pa.table(rows).to_pylist()
    return listed


def _column(field: ListField, channel: Channel, language: Language, currency: str) -> SheetColumn:
    kind, width = _KINDS[field]
    words = CONTACT_HEADINGS[channel.contact_point] if field is ListField.CONTACT else HEADINGS[field]
    heading = words[language]
    if field in AMOUNTS:
        heading = f"{heading} ({currency})" if language is Language.ENGLISH else f"{heading}（{currency}）"
    return SheetColumn(heading, kind, width)


def _value(row: dict[str, Any], field: ListField, labels: Labels, language: Language) -> Any:
    value = row[field.value]
    if value is None:
        return None
    if field in _LABELLED:
        return labels.of(field.value, value, language)
    if field is ListField.CONSENT_BASIS:
        return CONSENT_BASES.get(value, {}).get(language, value)
    kind = _KINDS[field][0]
    if kind is Kind.INTEGER:
        return int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))
    if kind is Kind.DECIMAL:
        return Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return value


def _read_notes(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, _Note]:
    try:
        rows = con.execute(
            "select channel, note, consent_default_reason from marts.reactivation_list_notes where as_of_date = ?",
            [day],
        ).fetchall()
    except duckdb.CatalogException:
        raise PublishingError(
            "marts.reactivation_list_notes is not in the warehouse. Build it with `strata run`."
        ) from None
    return {channel: _Note(note, reason) for channel, note, reason in rows}


def _sentences(export: _Export, channel: Channel, has_rows: bool, withheld: int) -> list[str]:
    """What whoever opens the list must be told: why it is empty, which consent was assumed, who is left out."""
    language = export.language
    note = export.notes.get(channel.name)
    sentences = []
    if note is None:
        if not has_rows:
            sentences.append(NOT_COMPUTED[language])
    elif note.code and not (has_rows and note.code == "no_eligible_customer"):
        words = NOTES.get(note.code, {}).get(language, note.code)
        sentences.append(words.replace("{reason}", note.consent_default_reason or ""))
    if withheld:
        sentences.append(WITHHELD[language].replace("{count}", str(withheld)))
    if not has_rows and not withheld and export.count(CONTROL, channel.name):
        sentences.append(ONLY_CONTROL[language])
    return sentences


def _facts(
    export: _Export, channel: Channel, heading: str, rows: int, sentences: Sequence[str]
) -> list[tuple[str, str]]:
    language = export.language
    words = {name: texts[language] for name, texts in FACTS.items()}
    facts = [
        (words["title"], ""),
        (words["day"], export.day.isoformat()),
        (words["channel"], heading),
        (words["campaign"], export.campaign_id or "–"),
        (words["rows"], str(rows)),
        (words["control"], str(export.count(CONTROL, channel.name))),
        *(("", sentence) for sentence in sentences),
        (words["care"], CARE[language]),
    ]
    explained = [
        (HEADINGS[field][language], EXPLANATIONS[field][language]) for field in channel.fields if field in EXPLANATIONS
    ]
    return [*facts, *([("", ""), (words["fields"], "")] if explained else []), *explained]


def _record_once(
    export: _Export, channel: Channel, shown: Sequence[dict[str, Any]], withheld: int, contents: dict[str, bytes]
) -> None:
    """Record the export unless the newest record of this day and channel is of the very same content."""
    path = export.paths.audit / LIST_EXPORTS
    fingerprint = _fingerprint(contents)
    place = (export.day.isoformat(), channel.name)
    earlier = [record for record in read_records(path) if (record.get("day"), record.get("channel")) == place]
    if earlier and earlier[-1].get("fingerprint") == fingerprint:
        return
    note = export.notes.get(channel.name)
    append_record(
        path,
        {
            "at": export.now.isoformat(),
            "who": export.who,
            "why": export.why,
            "day": export.day.isoformat(),
            "campaign_id": export.campaign_id,
            "channel": channel.name,
            "rows": len(shown),
            "withheld": withheld,
            "fields": [field.value for field in channel.fields],
            "contact_point": channel.contact_point,
            "consent_basis": dict(Counter(row["consent_basis"] or "unknown" for row in shown)),
            "consent_default_reason": note.consent_default_reason if note else None,
            "files": sorted(contents),
            "fingerprint": fingerprint,
        },
    )


def _fingerprint(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
