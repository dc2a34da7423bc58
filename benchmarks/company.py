"""An installation with a warehouse full of generated orders, ready to be classified.

Orders are a function of their number (hashes, no seed), so every machine measures the same rows. One customer in ten
orders; a fifth of the customers hold about half of the orders; four years, so that 48 month ends lie in them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.installation import without_predictions
from benchmarks.measuring import Measured, measure
from dagster_project.contract.entities import ENTITIES
from dagster_project.identity import link
from dagster_project.landing import Manifest
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.children import process_environment
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.warehouse.control import record_builds, write_control
from dagster_project.warehouse.dbt_arguments import dbt_arguments
from dagster_project.warehouse.schema_version import note_version

FIRST_DAY = date(2021, 1, 1)
LAST_DAY = date(2024, 12, 31)
ORDERS_A_CUSTOMER = 10

SOURCES = f"""\
business: {{ time_zone: UTC, currency: EUR, history_starts_on: {FIRST_DAY} }}
sources:
  - name: shop
    kind: files
    time_zone: UTC
    currency: EUR
    reads:
      - entity: orders
        path: inbox/orders.csv
        columns: {{ order_id: id, customer_ref: customer, ordered_at: at, gross_amount: amount }}
"""

# What a snapshot starts from: built once for what has landed, whatever the days.
BASE_MODELS = (
    "int_exchange_rates_dated",
    "int_orders_valued",
    "int_refunds_valued",
    "int_contacts_identified",
    "int_web_events_identified",
    "int_customer_days",
    "int_customers_first_seen",
)


@dataclass(frozen=True)
class Company:
    """An installation below one folder."""

    settings: Settings
    orders: int

    @property
    def warehouse(self) -> Path:
        return self.settings.paths.warehouse

    def connect(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(str(self.warehouse))
        con.execute("set TimeZone = 'UTC'")
        return con

    def control(self, days: list[date]) -> None:
        """Write the control rows of a run of `days`, and note the days as built: what the run does around dbt."""
        manifest = Manifest(folder=self.settings.paths.landing, batches=())
        with self.connect() as con:
            computed = write_control(con, settings=self.settings, manifest=manifest, days=days)
            record_builds(con, computed, manifest)

    def computed_days(self) -> list[date]:
        """The days whose measures the last run computed, in turn."""
        with self.connect() as con:
            days = con.execute("select as_of_date from control.as_of_days order by as_of_date").fetchall()
        return [day for (day,) in days]

    def dbt(self, *, select: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Measured:
        """One dbt invocation as a run makes it, as a process of its own."""
        project = str(self.settings.paths.dbt_project)
        arguments = dbt_arguments("build", select=select, exclude=exclude)
        return measure(
            ["strata-dbt", *arguments, "--project-dir", project, "--profiles-dir", project],
            {
                **process_environment(self.settings),
                "DBT_TARGET_PATH": str(self.settings.paths.dbt_target),
                "DBT_LOG_PATH": str(self.settings.paths.dbt_target),
            },
        )


def prepare(folder: Path, orders: int) -> Company:
    """An installation below `folder` with a table for every landed entity, all empty."""
    config = folder / "config"
    config.mkdir(parents=True)
    (config / "sources.yaml").write_text(SOURCES)
    shutil.copy(PROJECT_ROOT / "config" / "publishing.yaml", config)
    standard = (PROJECT_ROOT / "config" / "standards.yaml").read_text(encoding="utf-8")
    (config / "standards.yaml").write_text(without_predictions(standard), encoding="utf-8")
    company = Company(load_settings(config, folder / "data"), orders)
    company.warehouse.parent.mkdir(parents=True)
    with company.connect() as con:
        con.execute("create schema landing")
        for name, entity in ENTITIES.items():
            for suffix, schema in (("", entity.arrow_schema()), ("_personal", entity.personal_schema())):
                if schema is not None:
                    con.register("nothing", schema.empty_table())
                    con.execute(f"create table landing.{name}{suffix} as select * from nothing")
                    con.unregister("nothing")
        note_version(con)
    return company


def generate(folder: Path, orders: int) -> Company:
    """A company of `orders` orders below `folder`, staged and linked, with the tables that a snapshot starts from."""
    company = prepare(folder, orders)
    with company.connect() as con:
        con.execute(_ORDERS, {"orders": orders, "customers": max(orders // ORDERS_A_CUSTOMER, 1)})
    company.dbt(select=("customer_strata.staging",))
    with company.connect() as con:
        link(con, paths=company.settings.paths)
    company.control([LAST_DAY])
    company.dbt(select=BASE_MODELS)
    return company


# hash() of DuckDB is the same on every machine; squaring a share piles orders up on the customers with small numbers.
_ORDERS = f"""
    insert into landing.orders by name
    with numbered as (
        select
            range as number,
            (hash(range, 'customer') % 1000000) / 1000000 as customer_share,
            hash(range, 'second') % {((LAST_DAY - FIRST_DAY).days + 1) * 86_400} as second,
            hash(range, 'cents') % 20000 + 100 as cents,
            hash(range, 'status') % 20 as status,
            hash(range, 'discount') % 4 as discount,
            hash(range, 'channel') % 3 as channel
        from range($orders)
    )
    select
        'shop' as source,
        'o' || number as order_id,
        'c' || cast(floor(customer_share * customer_share * $customers) as bigint) as customer_ref,
        timestamptz '{FIRST_DAY} 00:00:00+00' + to_seconds(cast(second as bigint)) as ordered_at,
        case when status = 0 then 'cancelled' else 'completed' end as status,
        cast(cents as decimal(18, 2)) / 100 as gross_amount,
        case when discount = 0 then cast(cents // 10 as decimal(18, 2)) / 100 end as discount_amount,
        cast(cents // 2 as decimal(18, 2)) / 100 as cost_amount,
        'EUR' as currency,
        ['app', 'store', 'web'][cast(channel as integer) + 1] as channel,
        false as is_deleted,
        'b1' as batch_id,
        1 as batch_sequence,
        timestamptz '2025-01-01 00:00:00+00' as landed_at,
        'orders' as source_file,
        number as row_number,
        0 as row_hash
    from numbered
"""
