"""The warehouse: who has it, its version, its tables, and the days that it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from dagster_project.doctor.findings import Finding, fine, first_line, warning, wrong
from dagster_project.doctor.reading import unreadable_tables
from dagster_project.errors import StrataError, some
from dagster_project.identity.registry import next_number
from dagster_project.landing import Manifest
from dagster_project.settings import Deployment, Settings
from dagster_project.warehouse import WarehouseHeld
from dagster_project.warehouse.control import stored_days
from dagster_project.warehouse.marks import read_marked
from dagster_project.warehouse.opening import looked_at
from dagster_project.warehouse.run_window import last_complete_day
from dagster_project.warehouse.schema_version import OtherVersion, differences, noted_version, refuse_other_version
from dagster_project.warehouse.standard_register import read_standards
from dagster_project.warehouse.upgrading import upgrade_folder

BUILD_AGAIN = (
    "move data/warehouse/strata.duckdb away, then `strata run` and `strata backfill` for the days to keep: it is made "
    "of landing, identity, standards and assignments alone"
)
UPGRADE = "`strata upgrade`"
INSTALL = "install the version that built it"
# Days are missed within so many before the newest; what is older may be thinned, or was never asked for.
LOOKED_BACK = 31


@dataclass(frozen=True)
class Stored:
    """What the warehouse holds, for whoever compares: None where it could not be opened or is of another version."""

    findings: list[Finding]
    days: list[date] | None = None


def check_warehouse(settings: Settings, *, now: datetime, is_thorough: bool) -> Stored:
    """Whether the warehouse opens, and what it holds; with `is_thorough` every block of it is read."""
    path = settings.paths.warehouse
    findings: list[Finding] = []
    if upgrade_folder(settings.paths).exists():
        findings.append(wrong("upgrade", "an upgrade was begun and is not finished", UPGRADE))
    if not path.exists():
        findings.append(warning("warehouse", "there is none yet", "`strata run`"))
        return Stored(findings)
    log = path.with_name(path.name + ".wal")
    try:
        with looked_at(path) as con:
            if log.exists():
                says = "a killed process left its write-ahead log"
                findings.append(warning("warehouse", says, "nothing: the next run takes it in; do not remove it"))
            refuse_other_version(con, path)
            findings += _tables(con, is_thorough=is_thorough)
            days = stored_days(con)
            findings += _kept_beside(con, settings)
            findings += _days(con, settings, days, now)
            return Stored(findings, days)
    except WarehouseHeld as error:
        cure = "wait for it; where it hangs, end it: what is published stays"
        findings.append(warning("warehouse", f"cannot be looked at now: {error}", cure))
    except OtherVersion as error:
        is_newer = "newer than" in str(error)
        says = re.split(r"[.;] (?=`strata|Install)", str(error))[0]
        findings.append(wrong("warehouse version", says, INSTALL if is_newer else UPGRADE))
    except duckdb.Error as error:
        findings.append(wrong("warehouse", f"cannot be opened: {first_line(error)}", BUILD_AGAIN))
    return Stored(findings)


def _tables(con: duckdb.DuckDBPyConnection, *, is_thorough: bool) -> Iterator[Finding]:
    yield fine("warehouse version", f"{noted_version(con) or 'none yet: no run has begun'}")
    [[tables]] = con.execute("select count(*) from duckdb_tables() where database_name = current_database()").fetchall()
    differing = differences(con) if stored_days(con) else []
    if differing:
        yield wrong("tables", some(differing), BUILD_AGAIN)
    damaged = unreadable_tables(con) if is_thorough else []
    if damaged:
        yield wrong("tables", f"cannot be read: {some(damaged)}", BUILD_AGAIN)
    elif not differing:
        how = "every block was read" if is_thorough else "--thorough reads them all"
        yield fine("tables", f"{tables:,} tables; {how}")


def _kept_beside(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Finding]:
    """What the tables were made of is still there."""
    paths = settings.paths
    try:
        newest = Manifest.load(paths).newest_sequence
        known = {entry.standard.version for entry in read_standards(paths.standards)}
        numbers = next_number(paths.registry) - 1
    except Exception:
        return
    faults = []
    built = con.execute(
        "select standard_version, max(batch_sequence) from control.snapshot_builds group by all"
    ).fetchall()
    if any(sequence > newest for _, sequence in built):
        faults.append(f"days are built from batch {max(s for _, s in built)}, and the newest that landed is {newest}")
    if unknown := sorted({version for version, _ in built} - known):
        faults.append(f"days are classified by standards that data/standards lacks: {some(unknown)}")
    try:
        [[highest]] = con.execute("select max(registry_id) from identity.customer_aliases").fetchall()
    except duckdb.CatalogException:
        highest = None
    if highest is not None and highest > numbers:
        faults.append(f"customers are numbered up to {highest}, and data/identity knows {numbers}")
    if faults:
        cure = "restore landing, identity and standards of one backup, or take the newest of each"
        yield wrong("warehouse and what it is made of", "; ".join(faults), cure)
    else:
        yield fine("warehouse and what it is made of", "batches, standards and numbers of customers are all there")


def _days(con: duckdb.DuckDBPyConnection, settings: Settings, days: Sequence[date], now: datetime) -> Iterator[Finding]:
    if not days:
        yield warning("stored days", "none yet", "`strata run`")
        return
    yield fine("stored days", f"{len(days):,}, {days[0]} to {days[-1]}")
    if gaps := _gaps(days):
        yield warning(
            "gaps", f"no {some([str(day) for day in gaps])}", f"`strata backfill --from {gaps[0]} --to {gaps[-1]}`"
        )
    if not settings.sources.business.sample:
        yield from _newest(settings, days[-1], now)
    try:
        marked = read_marked(con, Manifest.load(settings.paths)).days
    except StrataError:
        return  # the manifest is told of where it is checked
    if marked:
        says = f"{len(marked):,} are older than what has landed for them, {marked[0]} to {marked[-1]}"
        yield warning("marked days", says, "`strata backfill --marked`")
    else:
        yield fine("marked days", "none: every day holds all that has landed")


def _newest(settings: Settings, newest: date, now: datetime) -> Iterator[Finding]:
    last = last_complete_day(now, ZoneInfo(settings.sources.business.time_zone))
    behind = (last - newest).days
    if behind <= 0:
        yield fine("newest day", f"{newest}, the last complete day")
        return
    # The schedule builds a day at 05:30, so that until then one is missing.
    is_wrong = behind > 1 and settings.deployment is Deployment.PRODUCTION
    says = f"{newest}; the last complete day is {last}"
    yield (wrong if is_wrong else warning)("newest day", says, "`strata run`; look why no schedule did")


def _gaps(days: Sequence[date]) -> list[date]:
    """Days missing before the newest, back to where days begin to be stored one after the other."""
    stored = set(days)
    recent = [day for day in days if day >= days[-1] - timedelta(days=LOOKED_BACK)]
    daily = [day for day in recent if day + timedelta(days=1) in stored]
    if not daily:
        return []
    span = (days[-1] - daily[0]).days
    return [day for offset in range(span) if (day := daily[0] + timedelta(days=offset)) not in stored]
