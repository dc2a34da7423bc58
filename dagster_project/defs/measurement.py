"""What the lists brought in, as an asset. Tests and intervals are the measurement room's."""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg

from dagster_project.defs.metadata import column_schema, table_preview
from dagster_project.defs.partitions import ONE_RUN, business_days, days_of
from dagster_project.defs.resources import WAREHOUSE_POOL, refusals, warehouse_held
from dagster_project.measurement import LIFT_COLUMNS, Measured, measure_lift
from dagster_project.settings import Settings
from dagster_project.warehouse import HeldWarehouse

LIFT_KEY = dg.AssetKey(["marts", "reactivation_lift"])
OUTCOMES_KEY = dg.AssetKey(["marts", "reactivation_outcomes"])


def measurement_definitions(settings: Settings) -> dg.Definitions:
    """`marts/reactivation_lift`, for the days of a run."""

    @dg.asset(
        key=LIFT_KEY,
        deps=[OUTCOMES_KEY],
        partitions_def=business_days(settings),
        backfill_policy=ONE_RUN,
        pool=WAREHOUSE_POOL,
        group_name="reactivation",
        owners=["team:marketing"],
        kinds={"python", "duckdb"},
        description=(
            "Treated against control 30, 60 and 90 days after their entry: differences with 95% intervals and p "
            "values, incremental revenue, and how large a control group the next campaign needs."
        ),
    )
    def reactivation_lift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        days = days_of(context)
        with refusals(), warehouse_held(context, settings) as warehouse:
            measured = measure_days(warehouse, settings, days, context.log.info)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(day.rows for day in measured),
                "dagster/column_schema": column_schema(LIFT_COLUMNS),
                "verdicts": table_preview(
                    ["day", "effect", "no effect shown", "too small to tell"],
                    [[day.day, day.effects, day.without_effect, day.too_small] for day in measured[-20:]],
                ),
            }
        )

    return dg.Definitions(assets=[reactivation_lift])


def measure_days(
    warehouse: HeldWarehouse, settings: Settings, days: Sequence[date], say: Callable[[str], None]
) -> list[Measured]:
    """Measure what is known on each of `days` of the lists before it."""
    with warehouse.connection() as con:
        return measure_lift(
            con,
            settings.publishing.measurement,
            days,
            say=lambda day: say(f"{day.day}: {day.rows} groups, {day.effects} with an effect"),
        )
