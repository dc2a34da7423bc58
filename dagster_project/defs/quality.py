"""Our own asset checks. What fails a blocking one is not published. dbt's tests are checks of their models already.

What a check compares is warehouse/checks.py.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from dagster_project.contract.entities import ENTITIES
from dagster_project.defs.landing import landing_key
from dagster_project.defs.resources import WAREHOUSE_POOL, refusals, warehouse_held
from dagster_project.defs.transform import SEGMENTS_KEY
from dagster_project.errors import StrataError
from dagster_project.landing import Manifest
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse
from dagster_project.warehouse.checked_days import create_checked_days, note_checked
from dagster_project.warehouse.checks import (
    Check,
    days_hold_all_that_landed,
    record_checks,
    rows_read_are_accepted_or_rejected,
    table_checks,
)

ROWS_READ = "rows_read_are_accepted_or_rejected"
STABILITY_KEY = dg.AssetKey(["marts", "segment_stability"])
ORDERS_KEY = dg.AssetKey(["marts", "fct_orders"])
TABLE_CHECK_SPECS = (
    dg.AssetCheckSpec(
        "landed_revenue_is_mart_revenue",
        asset=ORDERS_KEY,
        blocking=True,
        description="Orders and revenue in the landed batches equal the marts', to the cent.",
    ),
    dg.AssetCheckSpec(
        "one_row_a_customer_a_day",
        asset=SEGMENTS_KEY,
        blocking=True,
        description="A customer has one row a day.",
    ),
    dg.AssetCheckSpec(
        "no_personal_data",
        asset=SEGMENTS_KEY,
        blocking=True,
        description="No mart has a personal column, a value that looks personal, or a known contact point.",
    ),
    dg.AssetCheckSpec(
        "segment_stability",
        asset=STABILITY_KEY,
        blocking=False,
        description=(
            "No dimension has shifted beyond the standard's limits since the last month end: a warning beyond the "
            "first, an error beyond the second. Nothing is held back: who has to look at the shift needs the tables."
        ),
    ),
)


# Days may be marked while others are rebuilt: what is published is right for what had landed when it was built.
MARKED_CHECK_SPEC = dg.AssetCheckSpec(
    "days_hold_all_that_landed",
    asset=SEGMENTS_KEY,
    blocking=False,
    description="No computed day is older than a batch that changes it. The sensor marked_days mends that.",
)


class CheckFailed(StrataError):
    """A check over the built tables does not hold; nothing was published."""


def quality_definitions(settings: Settings) -> dg.Definitions:
    """A check an entity over what has landed, and the checks over the marts."""

    @dg.multi_asset_check(
        name="landing_checks",
        specs=[
            dg.AssetCheckSpec(
                ROWS_READ,
                asset=landing_key(entity),
                blocking=True,
                description="Rows read = accepted + rejected, and the batches hold the rows that the manifest counts.",
            )
            for entity in ENTITIES
        ],
    )
    def landing_checks() -> Iterator[dg.AssetCheckResult]:
        with refusals():
            manifest = Manifest.load(settings.paths)
        for entity in ENTITIES:
            check = rows_read_are_accepted_or_rejected(manifest, entity)
            yield _result(ROWS_READ, landing_key(entity), check)

    @dg.multi_asset_check(name="table_checks", specs=[*TABLE_CHECK_SPECS, MARKED_CHECK_SPEC], pool=WAREHOUSE_POOL)
    def checks_of_tables(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with refusals(), warehouse_held(context, settings) as warehouse:
            checks = _table_checks(warehouse, settings)
            with warehouse.connection() as con:
                marked = days_hold_all_that_landed(con, Manifest.load(settings.paths))
        for spec in TABLE_CHECK_SPECS:
            yield _result(spec.name, spec.asset_key, checks[spec.name])
        yield _result(MARKED_CHECK_SPEC.name, SEGMENTS_KEY, marked)

    return dg.Definitions(asset_checks=[landing_checks, checks_of_tables])


def refuse_failed_checks(warehouse: HeldWarehouse, settings: Settings) -> None:
    """Raise where a blocking check over the tables does not hold.

    Raises:
        CheckFailed: names the check and what it found.
    """
    failed = _failed(_table_checks(warehouse, settings))
    if failed:
        raise CheckFailed("\n".join(["Nothing was published: a check does not hold.", *failed]))


def _table_checks(warehouse: HeldWarehouse, settings: Settings) -> dict[str, Check]:
    with warehouse.connection() as con:
        create_checked_days(con)
        checks = table_checks(con, settings.sources.business.currency)
        record_checks(con, checks)
        if not _failed(checks):
            note_checked(con)
    return checks


def _failed(checks: Mapping[str, Check]) -> list[str]:
    """What blocking checks found that do not hold."""
    blocking = {spec.name for spec in TABLE_CHECK_SPECS if spec.blocking}
    return [f"{name}: {check.says}" for name, check in checks.items() if name in blocking and not check.passed]


def _result(name: str, key: dg.AssetKey, check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=key,
        passed=check.passed,
        severity=dg.AssetCheckSeverity.WARN if check.is_warning else dg.AssetCheckSeverity.ERROR,
        description=check.says,
        metadata=dict(check.numbers),
    )
