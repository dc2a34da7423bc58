"""`strata purge`: what is past the ages of `retention` goes: lists, the text of refused rows, contact data, logs.

Every step looks for itself what there is to do, so a killed purge is finished by the next one.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.atomic_files import PRIVATE_FILE, sha256_of, written_beside
from dagster_project.landing import Manifest
from dagster_project.landing.batches import Batch
from dagster_project.landing.erased import REMOVED_TEXT, refuse_unfinished
from dagster_project.landing.quarantine import texts_kept
from dagster_project.privacy.aged_contacts import count_aged, empty_landed, empty_stored, find_aged
from dagster_project.privacy.at_rest import at_rest, connection_at_rest
from dagster_project.privacy.postgres import connected
from dagster_project.privacy.rewriting import new_path, rewrite_batches, with_new_files
from dagster_project.privacy.stored import attach_again, rewrite_file
from dagster_project.publishing.audit import LIST_EXPORTS, append_record, read_records
from dagster_project.publishing.list_tables import EXPORTS_TABLE, LISTS_TABLE
from dagster_project.settings import Settings
from dagster_project.sql_text import quote_identifier, quote_literal
from dagster_project.warehouse import HeldWarehouse

PURGES = "purges.jsonl"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Removed:
    """What went, or would go: where, what it is, how old it may be in days, and how much of it there was."""

    place: str
    what: str
    kept_days: int
    count: int


def purge(
    settings: Settings, *, now: datetime, who: str, say: Say, is_dry_run: bool = False, asker: str = "strata purge"
) -> list[Removed]:
    """Remove what is older than `retention` allows, and put on record how much; a dry run only counts.

    Nothing to remove gives no rows and no record.

    Raises:
        LandingHeld, WarehouseHeld: another process is at work.
        ErasureUnfinished: an erasure was interrupted.
        PublishingError: PostgreSQL, being a target, cannot be reached.
    """
    ages = settings.publishing.retention
    one_purge = _Purge(settings, now, f"{now:%Y%m%d}-{secrets.token_hex(6)}", say, is_dry_run=is_dry_run)
    with at_rest(settings, who=asker, now=now, say=say) as warehouse:
        refuse_unfinished(settings.paths)
        removed = [
            *(one_purge.lists(ages.lists) if ages.lists else ()),
            *(one_purge.refused_rows(ages.refused_rows) if ages.refused_rows else ()),
            *(one_purge.contacts(ages.contacts, warehouse) if ages.contacts else ()),
            *(one_purge.logs(ages.logs) if ages.logs else ()),
        ]
    if removed and not is_dry_run:
        record = {
            "at": now.isoformat(),
            "who": who,
            "why": asker,
            "removed": [asdict(each) for each in removed],
        }
        append_record(settings.paths.audit / PURGES, record)
    return removed


@dataclass(frozen=True)
class _Purge:
    settings: Settings
    now: datetime
    rewriting_id: str
    say: Say
    is_dry_run: bool

    def limit(self, days: int) -> date:
        """What is of a day before this one is older than `days`."""
        return self.day(self.now) - timedelta(days=days)

    def day(self, moment: datetime) -> date:
        """The business day of a moment."""
        return moment.astimezone(ZoneInfo(self.settings.sources.business.time_zone)).date()

    def lists(self, days: int) -> Iterator[Removed]:
        """Lists that were last written more than `days` ago: a list of a past day that is drawn today is a new one."""
        limit = self.limit(days)
        written = self._last_written()
        folder = self.settings.paths.lists
        folders = [path for path in sorted(folder.glob("*")) if _is_aged(path.name, written, limit)]
        if folders:
            self.say("removing lists")
            count = sum(1 for path in folders for _ in path.iterdir())
            if not self.is_dry_run:
                for path in folders:
                    shutil.rmtree(path)
            yield Removed("lists", f"files of lists (days: {len(folders)})", days, count)
        yield from self._lists_in_postgres(days, written, limit)

    def _lists_in_postgres(self, days: int, written: dict[str, date], limit: date) -> Iterator[Removed]:
        publishing = self.settings.publishing
        if not publishing.lists.postgres.enabled and self.settings.environment.postgres_url is None:
            return
        schema = publishing.personal_schema
        lists, exports = (
            f"{quote_identifier(schema)}.{quote_identifier(name)}" for name in (LISTS_TABLE, EXPORTS_TABLE)
        )
        with connected(self.settings) as target:
            with target.cursor() as cursor:
                cursor.execute(f"select to_regclass({quote_literal(lists)})::text")
                if cursor.fetchall() == [(None,)]:
                    return
                cursor.execute(f"select as_of_date::text from {exports} order by 1")
                aged = [day for (day,) in cursor.fetchall() if _is_aged(day, written, limit)]
                if not aged:
                    return
                chosen = f"where as_of_date in ({', '.join(map(quote_literal, aged))})"
                cursor.execute(f"select count(*) from {lists} {chosen}")
                [[rows]] = cursor.fetchall()
                if not self.is_dry_run:
                    self.say("removing lists from PostgreSQL")
                    cursor.execute(f"delete from {lists} {chosen}")
                    cursor.execute(f"delete from {exports} {chosen}")
            target.commit()
            if not self.is_dry_run:
                # A deleted row stays in its page until the table is written anew.
                target.adbc_connection.set_autocommit(True)
                with target.cursor() as cursor:
                    cursor.execute(f"vacuum full {lists}")
        yield Removed(f"PostgreSQL, schema {schema}", f"rows of lists (days: {len(aged)})", days, int(rows))

    def refused_rows(self, days: int) -> Iterator[Removed]:
        """The text of rows that were refused more than `days` ago; they stay counted, with their reasons."""
        limit = self.limit(days)
        manifest = Manifest.load(self.settings.paths)
        aged = {
            batch.batch_id: texts
            for batch in manifest.batches
            if batch.quarantine_path
            and self.day(batch.landed_at) < limit
            and (texts := texts_kept(manifest.absolute(batch.quarantine_path)))
        }
        if not aged:
            return
        if not self.is_dry_run:
            self.say("removing the text of refused rows")
            rewrite_batches(
                self.settings.paths,
                lambda batch: self._without_text(batch) if batch.batch_id in aged else batch,
                self.say,
            )
        yield Removed("landing/quarantine", f"text of refused rows (readings: {len(aged)})", days, sum(aged.values()))

    def contacts(self, days: int, warehouse: HeldWarehouse | None) -> Iterator[Removed]:
        """Names and contact points of customers of whom nothing was heard for more than `days`."""
        self.say("looking for customers of whom nothing was heard")
        manifest = Manifest.load(self.settings.paths)
        with connection_at_rest(warehouse) as con:
            find_aged(con, self.settings, manifest, before=self.limit(days))
            found = count_aged(con, manifest)
            if not self.is_dry_run:
                empty_landed(con, self.settings, on=self.day(self.now), rewriting_id=self.rewriting_id, say=self.say)
            stored = 0
            if warehouse is not None and not self.is_dry_run:
                attach_again(con, self.settings)
                stored = empty_stored(con)
        if warehouse is not None and (found.rows or stored) and not self.is_dry_run:
            self.say("writing the warehouse file anew")
            rewrite_file(warehouse)
        if found.rows:
            yield Removed("landing/personal", f"contact data (customers: {found.customers})", days, found.rows)

    def logs(self, days: int) -> Iterator[Removed]:
        """Logs of runs to which nothing was added for more than `days`."""
        limit = self.limit(days)
        aged = [
            path
            for path in sorted(self.settings.paths.logs.glob("*.log"))
            if self.day(datetime.fromtimestamp(path.stat().st_mtime, UTC)) < limit
        ]
        if not aged:
            return
        self.say("removing logs")
        if not self.is_dry_run:
            for path in aged:
                path.unlink(missing_ok=True)
        yield Removed("logs", "logs of runs", days, len(aged))

    def _without_text(self, batch: Batch) -> Batch:
        landing = self.settings.paths.landing
        path = landing / (batch.quarantine_path or "")
        table = pq.read_table(path)
        for name, value in (("original", REMOVED_TEXT), ("record", None)):
            if name in table.column_names:
                column = pa.array([value] * table.num_rows, pa.string())
                table = table.set_column(table.column_names.index(name), name, column)
        new = new_path(path, self.rewriting_id)
        with written_beside(new, mode=PRIVATE_FILE) as beside:
            pq.write_table(table, beside, compression="zstd")
        changed: dict[str, Any] = {
            "quarantine_path": str(new.relative_to(landing)),
            "quarantine_sha256": sha256_of(new),
        }
        return with_new_files(batch, changed, self.rewriting_id)

    def _last_written(self) -> dict[str, date]:
        """Day of a list: the day on which it was last exported, as the audit has it."""
        written: dict[str, date] = {}
        for record in read_records(self.settings.paths.audit / LIST_EXPORTS):
            with suppress(KeyError, TypeError, ValueError):
                written[record["day"]] = self.day(datetime.fromisoformat(record["at"]))
        return written


def _is_aged(name: str, written: dict[str, date], limit: date) -> bool:
    """Whether the list of the day `name` was last written before `limit`; false of what is no day."""
    try:
        return written.get(name, date.fromisoformat(name)) < limit
    except ValueError:
        return False
