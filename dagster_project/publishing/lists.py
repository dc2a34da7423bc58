"""Today's reactivation lists, one a channel, for those who call and write: CSV, XLSX, Parquet and PostgreSQL.

The only code that takes personal data out of the warehouse. A list holds treated customers only, the columns its
channel needs, and the contact point of that channel; files are readable by their owner alone and every export is on
record before it is visible. Who is on the list was decided in the mart, and stands in `assignments`.
"""

from __future__ import annotations

import gc
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import SecretStr

from dagster_project.atomic_files import (
    PRIVATE_FILE,
    private_folder,
    remove_unfinished,
    write_if_changed,
)
from dagster_project.publishing.assignments import CONTROL, IssuedList, issue
from dagster_project.publishing.audit import LIST_EXPORTS, append_record, read_records
from dagster_project.publishing.list_rows import KINDS, RowWords, channel_rows, read_row_words, shown_rows
from dagster_project.publishing.list_tables import LISTS_TABLE, list_table, parquet_bytes, publish_lists
from dagster_project.publishing.list_words import (
    AMOUNTS,
    CARE,
    CHANNELS,
    CONTACT_HEADINGS,
    EXPLANATIONS,
    FACTS,
    HEADINGS,
    NOT_COMPUTED,
    NOTES,
    NOTES_SHEET,
    ONLY_CONTROL,
    OUTCOMES,
    WITHHELD,
)
from dagster_project.publishing.spreadsheets import SheetColumn, csv_bytes, xlsx_bytes
from dagster_project.publishing.tables import PublishingError
from dagster_project.settings.paths import Paths
from dagster_project.settings.publishing import (
    RESULT_FIELDS,
    Channel,
    Language,
    ListField,
    PublishingSettings,
)

_WIDTHS: dict[ListField, float] = {
    ListField.POSITION: 7,
    ListField.CUSTOMER_ID: 12,
    ListField.NAME: 20,
    ListField.CONTACT: 22,
    ListField.OWNER: 16,
    ListField.LIFECYCLE_STAGE: 12,
    ListField.SILENCE_CAUSE: 16,
    ListField.RECENCY_DAYS: 12,
    ListField.SILENCE_LIMIT_DAYS: 12,
    ListField.DAYS_SILENT: 12,
    ListField.MEDIAN_GAP_DAYS: 13,
    ListField.VALUE_TIER: 10,
    ListField.RFM_SEGMENT: 18,
    ListField.LAST_ORDER_ON: 13,
    ListField.ORDER_COUNT: 9,
    ListField.RETURN_RATE: 11,
    ListField.NEED_TYPE: 17,
    ListField.TOP_CATEGORY: 20,
    ListField.LAST_PURCHASES: 34,
    ListField.NEXT_PRODUCTS: 34,
    ListField.OFFER: 30,
    ListField.BEST_WEEKDAY: 12,
    ListField.USUAL_HOUR: 13,
    ListField.PREFERRED_CHANNEL: 12,
    ListField.PLAN: 34,
    ListField.TALKING_POINTS: 62,
    ListField.WORKED_AT: 17,
    ListField.OUTCOME: 16,
    ListField.CONSENT_BASIS: 12,
    ListField.TASK_ID: 36,
}
_AMOUNT_WIDTH = 15
_WRAPPED = {
    ListField.LAST_PURCHASES,
    ListField.NEXT_PRODUCTS,
    ListField.OFFER,
    ListField.PLAN,
    ListField.TALKING_POINTS,
    ListField.TOP_CATEGORY,
}
# What says who a row is of stays in sight when the rest is scrolled, as far as a laptop's screen leaves room.
_WHO = {ListField.POSITION, ListField.CUSTOMER_ID, ListField.NAME, ListField.CONTACT}
_FROZEN_WIDTH = 60


@dataclass(frozen=True)
class ChannelList:
    """One channel's list of a day. `withheld` customers were assigned; their contact point or consent is gone since."""

    channel: str
    rows: int
    withheld: int
    folder: Path
    note: str | None
    is_changed: bool

    @property
    def csv(self) -> Path:
        """Where the CSV lies, if it is switched on."""
        return self.folder / f"{self.channel}.csv"

    @property
    def xlsx(self) -> Path:
        """Where the XLSX lies, if it is switched on."""
        return self.folder / f"{self.channel}.xlsx"


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
    words: RowWords
    notes: dict[str, _Note]
    currency: str
    now: datetime
    who: str
    why: str

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
    postgres_url: SecretStr | None = None,
) -> DayLists:
    """Issue the list of `day` once and write it to lists/<day>/ and, if on, PostgreSQL; called again, nothing changes.

    `who` asked for the export and `why` go into the record. The steps are assignments, record, files, PostgreSQL: a run
    killed between them leaves no list whose customers were not assigned and no export that is not on record.

    Raises:
        PublishingError: the warehouse lacks the list, its rows cannot be one, or PostgreSQL cannot take it; the files
            are written before PostgreSQL is asked.
    """
    issued = issue(con, paths, day)
    folder = private_folder(private_folder(paths.lists) / day.isoformat())
    remove_unfinished(folder)
    export = _Export(
        paths,
        folder,
        settings,
        day,
        issued,
        read_row_words(con, settings),
        _read_notes(con, day),
        currency,
        now,
        who,
        why,
    )
    written = []
    for channel in settings.reactivation.channels:
        with _collector_paused():
            written.append(_write_list(con, export, channel))
    if settings.lists.postgres.enabled:
        publish_lists(
            postgres_url,
            settings.personal_schema,
            day,
            {channel.channel: rows for channel, rows in written if rows is not None},
            readers=settings.postgres.readers,
        )
    return DayLists(
        day=day,
        campaign_id=export.campaign_id,
        is_new=issued is not None and issued.is_new,
        control=export.count(CONTROL),
        lists=tuple(channel for channel, _ in written),
    )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Let Python look for no cycles among a million cells that are being made, which took a sixth of a sheet's time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _write_list(
    con: duckdb.DuckDBPyConnection, export: _Export, channel: Channel
) -> tuple[ChannelList, pa.Table | None]:
    """Record the channel's export and write its files; gives the rows as PostgreSQL takes them, too, if it is on."""
    targets, language = export.settings.lists, export.settings.language
    assigned = channel_rows(con, channel, export.issued, paths=export.paths, now=export.now) if export.issued else []
    listed = [row for row in assigned if row[ListField.CONTACT]]
    withheld = len(assigned) - len(listed)
    columns = [_column(field, channel, language, export.currency) for field in channel.fields]
    rows = shown_rows(listed, channel.fields, export.words)
    sentences = _sentences(export, channel, bool(listed), withheld)
    message = " ".join(sentences) or None
    heading = CHANNELS.get(channel.name, {}).get(language, channel.name)
    contents: dict[str, bytes] = {}
    if targets.csv.enabled:
        contents[f"{channel.name}.csv"] = csv_bytes(columns, rows)
    if targets.xlsx.enabled:
        contents[f"{channel.name}.xlsx"] = xlsx_bytes(
            columns,
            rows,
            sheet=heading[:31],
            notes_sheet=NOTES_SHEET[language],
            notes=_facts(export, channel, heading, listed, sentences),
            message=None if rows else message,
            frozen_columns=_frozen_columns(channel.fields),
        )
    table = None
    if targets.parquet.enabled or targets.postgres.enabled:
        table = list_table(listed, channel.fields, rows)
        as_parquet = parquet_bytes(table)
    if targets.parquet.enabled:
        contents[f"{channel.name}.parquet"] = as_parquet
    note_file = f"{channel.name}.note.txt"
    if not rows and message and targets.csv.enabled:  # a CSV has no place for a sentence
        contents[note_file] = b"\xef\xbb\xbf" + message.encode() + b"\r\n"
    exported = dict(contents)
    if targets.postgres.enabled:
        exported[f"postgres:{export.settings.personal_schema}.{LISTS_TABLE}"] = as_parquet
    _record_once(export, channel, listed, withheld, exported)
    changed = [write_if_changed(export.folder / name, content, mode=PRIVATE_FILE) for name, content in contents.items()]
    for name in {*(f"{channel.name}.{form}" for form in ("csv", "xlsx", "parquet")), note_file} - set(contents):
        # A form that is switched off would keep showing who has since left the list.
        (export.folder / name).unlink(missing_ok=True)
    return ChannelList(
        channel=channel.name,
        rows=len(rows),
        withheld=withheld,
        folder=export.folder,
        note=message,
        is_changed=any(changed),
    ), table


def _column(field: ListField, channel: Channel, language: Language, currency: str) -> SheetColumn:
    words = CONTACT_HEADINGS[channel.contact_point] if field is ListField.CONTACT else HEADINGS[field]
    heading = words[language]
    if field in AMOUNTS:
        heading = f"{heading} ({currency})" if language is Language.ENGLISH else f"{heading}（{currency}）"
    return SheetColumn(
        heading,
        KINDS[field],
        _WIDTHS.get(field, _AMOUNT_WIDTH),
        is_wrapped=field in _WRAPPED,
        is_input=field in RESULT_FIELDS,
        choices=OUTCOMES[language] if field is ListField.OUTCOME else (),
    )


def _frozen_columns(fields: Sequence[ListField]) -> int:
    """How many of the first columns stay in sight."""
    count, width = 0, 0.0
    for field in fields:
        width += _WIDTHS.get(field, _AMOUNT_WIDTH)
        if field not in _WHO or width > _FROZEN_WIDTH:
            break
        count += 1
    return count


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
    language = export.settings.language
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
    export: _Export, channel: Channel, heading: str, listed: Sequence[dict[str, Any]], sentences: Sequence[str]
) -> list[tuple[str, str]]:
    language = export.settings.language
    words = {name: texts[language] for name, texts in FACTS.items()}
    carried = sum(row["entered_on"] < export.day for row in listed)
    facts = [
        (words["title"], ""),
        (words["day"], export.day.isoformat()),
        (words["channel"], heading),
        (words["campaign"], export.campaign_id or "–"),
        (words["rows"], str(len(listed))),
        *([(words["carried"], str(carried))] if carried else []),
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
