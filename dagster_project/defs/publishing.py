"""What leaves the warehouse, as assets: Parquet, serving copy, PostgreSQL, lists and report. The publishing and report
rooms do the work; a target that publishing.yaml switches off has no asset.
"""

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb

from dagster_project.defs.landing import RETRIES
from dagster_project.defs.metadata import table_preview
from dagster_project.defs.partitions import ONE_RUN, business_days, days_of
from dagster_project.defs.quality import ROWS_READ
from dagster_project.defs.resources import WAREHOUSE_POOL, refusals, warehouse_held
from dagster_project.defs.transform import LIST_KEYS
from dagster_project.landing import Manifest
from dagster_project.privacy.opting_out import days_listed, remove_profile
from dagster_project.privacy.people import Person
from dagster_project.publishing.code_version import code_version
from dagster_project.publishing.crm.records import Done
from dagster_project.publishing.crm.tasks import newest_issued_day
from dagster_project.publishing.lists import DayLists, write_lists
from dagster_project.publishing.parquet import days_naming, publish_parquet
from dagster_project.publishing.postgres import publish_postgres
from dagster_project.publishing.serving import publish_serving_copy
from dagster_project.publishing.tables import chosen_tables
from dagster_project.report import write_report
from dagster_project.report.content import CheckResult
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse, held
from dagster_project.warehouse.checks import all_rows_read_are_accepted_or_rejected, recorded_checks
from dagster_project.warehouse.control import stored_days
from dagster_project.warehouse.objections import objecting_customers
from dagster_project.warehouse.retention import thinned_days

PARQUET_KEY = dg.AssetKey(["publish", "parquet"])
SERVING_KEY = dg.AssetKey(["publish", "serving_copy"])
POSTGRES_KEY = dg.AssetKey(["publish", "postgres"])
LISTS_KEY = dg.AssetKey(["publish", "lists"])
CRM_KEY = dg.AssetKey(["publish", "crm"])
REPORT_KEY = dg.AssetKey(["publish", "report"])

GROUP = "publish"
REPORTED_MARTS = (
    "customer_segments",
    "customer_lifecycle",
    "customer_value",
    "rfm_cut_points",
    "matrix_cut_points",
    "segment_summary",
    "segment_migration",
    "segment_stability",
    "classification_backtest",
    "resource_allocation",
    "reactivation_lift",
    "reactivation_work",
    "silent_customers",
    "orders_without_rate",
)
# Who asked for a run, as the command line tags it; a run from Dagster's pages is asked for by whoever serves them.
ASKED_BY_TAG = "strata/asked_by"
# What Dagster's page shows of the forms of publishing.yaml's `lists`.
_LIST_KINDS = {"csv": "csv", "xlsx": "excel", "parquet": "parquet", "postgres": "postgres"}
Metadata = dict[str, dg.MetadataValue | str | int]
Say = Callable[[str], None]


def publishing_definitions(settings: Settings) -> dg.Definitions:
    """The enabled targets, the lists and the report."""
    return dg.Definitions(
        assets=[
            *(_target_asset(settings, key) for key in target_keys(settings)),
            _lists_asset(settings),
            *([_crm_asset(settings)] if settings.publishing.enabled_crm else []),
            *([_report_asset(settings)] if settings.publishing.report.enabled else []),
        ]
    )


def target_keys(settings: Settings) -> list[dg.AssetKey]:
    """Keys of the targets that publishing.yaml switches on."""
    publishing = settings.publishing
    switched = {
        PARQUET_KEY: publishing.parquet.enabled,
        SERVING_KEY: publishing.serving_copy.enabled,
        POSTGRES_KEY: publishing.postgres.enabled,
    }
    return [key for key, is_enabled in switched.items() if is_enabled]


def publish_targets(
    warehouse: HeldWarehouse, settings: Settings, days: Sequence[date], say: Say, *, anew: bool = False
) -> None:
    """Publish `days` to every target that is switched on; with `anew` no file goes on from one that held others."""
    for key in target_keys(settings):
        _TARGETS[key].publish(_Publication(warehouse, settings, days, say, anew))


def publish_without(settings: Settings, person: Person, *, now: datetime, who: str, say: Say) -> int:
    """Remove the classes of a person who objects to profiling, and publish what named them anew; gives the rows."""
    with held(
        settings.paths.warehouse,
        who="strata opt-out",
        wait_seconds=settings.environment.warehouse_wait_seconds,
        memory_limit=settings.environment.memory_limit,
        progress=say,
    ) as warehouse:
        with warehouse.connection() as con:
            since = now.astimezone(ZoneInfo(settings.sources.business.time_zone)).date()
            removed = remove_profile(con, person, since=since)
            for day in days_listed(settings.paths, person):
                write_day_lists(con, settings, day, now=now, who=who, why="a customer on it objects to profiling")
        publish_targets(warehouse, settings, [], say, anew=True)
    return removed


def _target_asset(settings: Settings, key: dg.AssetKey) -> dg.AssetsDefinition:
    target = _TARGETS[key]

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(table.place) for table in chosen_tables(settings.publishing)],
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        pool=WAREHOUSE_POOL,
        group_name=GROUP,
        owners=["team:data-engineering"],
        kinds=set(target.kinds),
        description=target.description,
    )
    def publish(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with refusals(), warehouse_held(context, settings) as warehouse:
            metadata = target.publish(_Publication(warehouse, settings, days_of(context), context.log.info))
        return dg.MaterializeResult(metadata=metadata)

    return publish


def _lists_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=LISTS_KEY,
        deps=[*LIST_KEYS, dg.AssetKey(["personal", "customer_contacts"])],
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        pool=WAREHOUSE_POOL,
        group_name=GROUP,
        owners=["team:marketing"],
        kinds={"python", *(_LIST_KINDS[form] for form, target in settings.publishing.lists if target.enabled)},
        description="Reactivation lists of the newest day of a run, one a channel, issued once.",
    )
    def lists(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        day = days_of(context)[-1]
        with refusals(), warehouse_held(context, settings) as warehouse, warehouse.connection() as con:
            written = write_day_lists(
                con,
                settings,
                day,
                now=datetime.now(UTC),
                who=context.run.tags.get(ASKED_BY_TAG) or getpass.getuser(),
                why=f"reactivation list of {day}, job {context.job_name}",
            )
        return dg.MaterializeResult(metadata=_lists_metadata(settings, written))

    return lists


def write_day_lists(
    con: duckdb.DuckDBPyConnection, settings: Settings, day: date, *, now: datetime, who: str, why: str
) -> DayLists:
    """Issue the lists of a day, or write their files again where they were issued."""
    return write_lists(
        con,
        paths=settings.paths,
        settings=settings.publishing,
        day=day,
        currency=settings.sources.business.currency,
        now=now,
        who=who,
        why=why,
        postgres_url=settings.environment.postgres_url,
    )


@dataclass(frozen=True)
class TargetsAndLists:
    """The targets that are switched on and the lists, for whoever changes what was published: an erasure."""

    settings: Settings
    who: str
    now: datetime
    say: Say

    def publish(self, warehouse: HeldWarehouse, days: Sequence[date]) -> None:
        """Publish days and the tables without a day to every target."""
        publish_targets(warehouse, self.settings, days, self.say, anew=True)

    def draw_lists(self, warehouse: HeldWarehouse, day: date) -> None:
        """Write the files of the lists issued for a day again."""
        with warehouse.connection() as con:
            write_day_lists(
                con, self.settings, day, now=self.now, who=self.who, why=f"list of {day} without who was erased"
            )


def _lists_metadata(settings: Settings, written: DayLists) -> Metadata:
    """Sizes and notes; the rows hold names and stay in their files."""
    return {
        "dagster/uri": (settings.paths.lists / str(written.day)).as_uri(),
        "dagster/row_count": sum(each.rows for each in written.lists),
        "campaign": written.campaign_id or "none",
        "control group": written.control,
        "lists": table_preview(
            ["channel", "rows", "note"], [[each.channel, each.rows, each.note] for each in written.lists]
        ),
    }


def list_keys(settings: Settings) -> list[dg.AssetKey]:
    """Keys of what is written of a list; a backfill writes none of it."""
    return [LISTS_KEY, *([CRM_KEY] if settings.publishing.enabled_crm else [])]


def _crm_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=CRM_KEY,
        deps=[LISTS_KEY],
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        retry_policy=RETRIES,
        pool=WAREHOUSE_POOL,
        group_name=GROUP,
        owners=["team:marketing"],
        kinds={"python", *(target.kind for target in settings.publishing.enabled_crm)},
        description="The newest issued list as tasks in the CRMs, keyed by our ids: only what differs is written.",
    )
    def crm(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        # httpx is imported where a CRM is asked: it takes a fifth of a second.
        from dagster_project.publishing.crm.work import push_of, tasks_on

        day = newest_issued_day(settings.paths, up_to=days_of(context)[-1])
        who = context.run.tags.get(ASKED_BY_TAG) or getpass.getuser()
        now = datetime.now(UTC)
        rows: list[list[object]] = []
        if day is not None:
            with refusals():
                with warehouse_held(context, settings) as warehouse, warehouse.connection() as con:
                    tasks = tasks_on(con, settings, settings.publishing.enabled_crm, day, now=now)
                for each in tasks:
                    why = f"reactivation list of {day}, job {context.job_name}"
                    push = push_of(settings, each, now=now, who=who, why=why, say=context.log.info)
                    if push.refused:
                        context.log.warning(
                            f"{each.target.name} refused {len(push.refused)} tasks: strata push says why"
                        )
                    rows.append([each.target.name, *(push.count(done) for done in Done)])
        return dg.MaterializeResult(
            metadata={"list": str(day or "none"), "tasks": table_preview(["crm", *(done.value for done in Done)], rows)}
        )

    return crm


def _report_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=REPORT_KEY,
        deps=[*(dg.AssetKey(["marts", mart]) for mart in REPORTED_MARTS), LISTS_KEY],
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        pool=WAREHOUSE_POOL,
        group_name=GROUP,
        owners=["team:analytics"],
        kinds={"python", "html"},
        description="The report of the newest day of a run, one page a language that opens without a network.",
    )
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        day = days_of(context)[-1]
        with refusals(), warehouse_held(context, settings) as warehouse, warehouse.connection() as con:
            pages = write_day_report(con, settings, day)
        return dg.MaterializeResult(
            metadata={
                "dagster/uri": pages[0].parent.as_uri(),
                "pages": table_preview(["page"], [[page] for page in pages]),
            }
        )

    return report


def write_day_report(con: duckdb.DuckDBPyConnection, settings: Settings, day: date) -> list[Path]:
    """Write the pages of a stored day, with what the newest checks found."""
    manifest = Manifest.load(settings.paths)
    checks = {ROWS_READ: all_rows_read_are_accepted_or_rejected(manifest), **recorded_checks(con)}
    results = [CheckResult(name, check.passed, check.says) for name, check in checks.items()]
    return write_report(con, settings=settings, day=day, checks=results)


@dataclass(frozen=True)
class _Publication:
    """What a target is asked to publish, and whether it may go on from what it published before."""

    warehouse: HeldWarehouse
    settings: Settings
    days: Sequence[date]
    say: Say
    anew: bool = False


def _publish_parquet(asked: _Publication) -> Metadata:
    settings = asked.settings
    folder = settings.paths.published / "parquet"
    with asked.warehouse.connection() as con:
        parts = publish_parquet(
            con,
            folder=folder,
            settings=settings.publishing,
            days=[*asked.days, *_days_to_publish_again(con, folder)],
            code_version=code_version(settings.paths.dbt_project),
            thinned=thinned_days(con),
            progress=lambda part: asked.say(f"{part.day or 'tables without a day'}: {_changed(part.is_changed)}"),
        )
    return {
        "dagster/uri": folder.as_uri(),
        "dagster/row_count": sum(rows for part in parts for rows in part.rows.values()),
        "days switched": sum(part.is_changed for part in parts if part.day),
        "versions": table_preview(
            ["day", "version", "switched"], [[part.day, part.version, part.is_changed] for part in parts[-20:]]
        ),
    }


def _days_to_publish_again(con: duckdb.DuckDBPyConnection, folder: Path) -> set[date]:
    """Stored days that were published with customers who object to profiling since."""
    return set(stored_days(con)).intersection(days_naming(con, folder, objecting_customers(con)))


def _publish_serving_copy(asked: _Publication) -> Metadata:
    settings = asked.settings
    with asked.warehouse.connection() as con:
        copy = publish_serving_copy(
            con,
            folder=settings.paths.published / "serving",
            settings=settings.publishing,
            days=asked.days,
            code_version=code_version(settings.paths.dbt_project),
            anew=asked.anew,
        )
    asked.say(f"serving copy of {len(copy.days)} days: {_changed(copy.is_changed)}")
    return {
        "dagster/uri": copy.path.as_uri(),
        "dagster/row_count": sum(copy.rows.values()),
        "days": len(copy.days),
        "switched": str(copy.is_changed),
        "tables": table_preview(["table", "rows"], sorted(copy.rows.items())),
    }


def _publish_postgres(asked: _Publication) -> Metadata:
    settings = asked.settings
    with asked.warehouse.connection() as con:
        parts = publish_postgres(
            con,
            url=settings.environment.postgres_url,
            settings=settings.publishing,
            days=asked.days,
            code_version=code_version(settings.paths.dbt_project),
            thinned=thinned_days(con),
            gone=objecting_customers(con),
            progress=lambda part: asked.say(f"{part.day or 'tables without a day'}: {_changed(part.is_changed)}"),
        )
    return {
        "dagster/row_count": sum(rows for part in parts for rows in part.rows.values()),
        "schema": settings.publishing.postgres.schema_name,
        "days replaced": sum(part.is_changed for part in parts if part.day),
    }


def _changed(is_changed: bool) -> str:
    return "switched" if is_changed else "unchanged"


@dataclass(frozen=True)
class _Target:
    publish: Callable[[_Publication], Metadata]
    description: str
    kinds: tuple[str, ...]


_TARGETS = {
    PARQUET_KEY: _Target(
        _publish_parquet, "Parquet with a manifest, one folder a day, each switched whole.", ("python", "parquet")
    ),
    SERVING_KEY: _Target(
        _publish_serving_copy,
        "A read-only DuckDB file with every stored day, switched by rename.",
        ("python", "duckdb"),
    ),
    POSTGRES_KEY: _Target(
        _publish_postgres, "PostgreSQL: each day replaced in one transaction.", ("python", "postgres")
    ),
}
