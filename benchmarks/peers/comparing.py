"""Peers on the same rows: each a process of its own, from one Parquet file of orders to one row a customer.

A peer reads the whole file, as it would every day. Ours starts, as every run does, at the customer days that earlier
runs have kept (what making them costs is in the step of the first full run), measures customers by some thirty columns
and does so for two days: the one asked for and the month end that it is compared with. A peer as it is usually written
measures three columns of one day; one in full writes what ours does, and its rows are compared with ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.company import BASE_MODELS, LAST_DAY, Company, generate
from benchmarks.measuring import Measured, Unfinished, attempt, measure
from benchmarks.peers import MOST_BYTES, MOST_SECONDS, script
from benchmarks.steps import Comparison, Say, Step
from dagster_project.sql_text import quote_literal
from dagster_project.warehouse.compiled_models import compile_project
from dagster_project.warehouse.dbt_manifest import dbt_executable

NAME = "peers"
AHEAD_FROM = 1_000_000  # orders
PEERS = {
    "pandas": "with_pandas",
    "polars": "with_polars",
    "lifetimes": "with_lifetimes",
    "pymc-marketing": "with_pymc_marketing",
}
IN_FULL = {"pandas, in full": "in_full_with_pandas", "polars, in full": "in_full_with_polars"}
NTILE = "ntile in dbt"
RFM = "customer_rfm"
STAGING, LISTS = "customer_strata.staging", "tag:list"
# What peers in full write, beside customer and day; of refunds the company has none.
CENTS = (
    *("revenue", "margin", "gross_amount", "discounted_gross_amount"),
    *("revenue_window", "margin_window", "revenue_90d", "revenue_prior_90d"),
)
RATIOS = ("average_order_value", "discount_share")
EQUAL = (
    *("first_order_on", "last_order_on", "recency_days", "tenure_days", "order_count", "order_days", "paid_order_days"),
    *("median_gap_days", "longest_gap_closed_days", "order_count_window", "order_days_window"),
    *("order_count_90d", "order_days_90d", "order_count_prior_90d"),
    *("r_score", "f_score", "m_score", "rfm_score", "rfm_cell", "rfm_segment", "rfm_type", "rfm_reason"),
)


def measure_peers(folder: Path, size: int, say: Say) -> list[Comparison]:
    """Our RFM of a day against each peer's: without dbt against scripts, by dbt against a dbt model.

    Raises:
        RuntimeError: somebody's rows are not those of all customers.
    """
    say("generating and staging")
    company = generate(folder / "company", size)
    orders = folder / "orders.parquet"
    customers = _write_orders(company, orders)
    project = compile_project(company.settings, folder / "compiled")
    say("all classes of two days, by dbt")
    # The first day also learns from a year of month ends, whose outcomes are kept.
    for day in (LAST_DAY - timedelta(days=1), LAST_DAY):
        company.control([day])
        everything = company.dbt(exclude=(STAGING, LISTS, *BASE_MODELS))
    say("our RFM, by dbt")
    by_dbt = company.dbt(select=tuple(project.needed([RFM], BASE_MODELS)))
    say("our RFM, without dbt")
    places = (company.settings.paths.config, company.settings.paths.data, folder / "compiled")
    alone = measure([sys.executable, "-m", "benchmarks.peers.models_alone", *map(str, places), RFM, *BASE_MODELS])
    _refuse_other_customers("ours", company.warehouse, f"marts.{RFM} where rfm_type <> 'prospect'", customers)
    aim = 1.0 if size >= AHEAD_FROM else None
    parts = [Comparison(NAME, "all classes of a day, by dbt", size, everything, None, rows=customers)]
    for peer, name in PEERS.items():
        say(peer)
        output = folder / f"{name}.parquet"
        theirs = attempt(partial(_within_limits, script(name, orders, output)))
        if isinstance(theirs, Measured):
            _refuse_other_customers(peer, None, f"read_parquet({quote_literal(str(output))})", customers)
        parts.append(_against(peer, "RFM of a day, without dbt", size, alone, theirs, aim, customers))
    for peer, name in IN_FULL.items():
        say(peer)
        output = folder / f"{name}.parquet"
        theirs = attempt(partial(_within_limits, [*script(name, orders, output), *map(str, company.computed_days())]))
        if isinstance(theirs, Measured):
            refuse_other_rows(peer, company.warehouse, output)
        parts.append(_against(peer, "all measures of two days, without dbt", size, alone, theirs, aim, customers))
    say(NTILE)
    warehouse = folder / "ntile.duckdb"
    theirs = attempt(lambda: _ntile(folder, orders, warehouse))
    if isinstance(theirs, Measured):
        _refuse_other_customers(NTILE, warehouse, "rfm", customers)
    parts.append(_against(NTILE, "RFM of a day, by dbt", size, by_dbt, theirs, aim, customers))
    return parts


def _against(
    peer: str, part: str, size: int, ours: Measured, theirs: Measured | Unfinished, aim: float | None, customers: int
) -> Comparison:
    note = "" if isinstance(theirs, Measured) else f"at {size:,} orders: {theirs.reason}"
    return Comparison(NAME, f"{part}; {peer}", size, ours, theirs, aim, note, customers, against=peer)


def _within_limits(words: list[str], environment: Mapping[str, str] | None = None) -> Measured:
    return measure(words, environment, most_bytes=MOST_BYTES, most_seconds=MOST_SECONDS)


def _ntile(folder: Path, orders: Path, warehouse: Path) -> Measured:
    """The second of two builds: dbt has parsed its project by then, as ours has."""
    project = str(Path(__file__).with_name("ntile_project"))
    words = [str(dbt_executable().with_name("dbt")), "build", "--project-dir", project, "--profiles-dir", project]
    words += ["--target-path", str(folder / "ntile"), "--log-path", str(folder / "ntile")]
    environment = {**os.environ, "NTILE_WAREHOUSE": str(warehouse), "NTILE_ORDERS": str(orders)}
    measure([*words, "--empty"], environment)
    return _within_limits(words, environment)


def _write_orders(company: Company, file: Path) -> int:
    """All orders of the company, amounts as doubles and as whole cents, which are read fastest.

    Returns the number of customers who bought.
    """
    with company.connect() as con:
        con.execute(
            f"""
            copy (
                select
                    order_id, customer_ref as customer_id, cast(ordered_at as timestamp) as ordered_at, status,
                    cast(gross_amount - coalesce(discount_amount, 0) as double) as amount,
                    cast(100 * gross_amount as bigint) as gross_amount,
                    cast(100 * coalesce(discount_amount, 0) as bigint) as discount_amount,
                    cast(100 * cost_amount as bigint) as cost_amount
                from landing.orders
            ) to {quote_literal(str(file))} (format parquet, compression zstd)
            """
        )
        [(customers,)] = con.execute(
            "select count(distinct customer_ref) from landing.orders where status = 'completed'"
        ).fetchall()
    return int(customers)


def _refuse_other_customers(who: str, warehouse: Path | None, relation: str, customers: int) -> None:
    """Raise unless the relation has a row a customer who bought."""
    with duckdb.connect(":memory:" if warehouse is None else str(warehouse), read_only=warehouse is not None) as con:
        [(rows,)] = con.execute(f"select count(*) from {relation}").fetchall()
    if rows != customers:
        raise RuntimeError(f"{who}: {rows:,} rows for {customers:,} customers")


def refuse_other_rows(who: str, warehouse: Path, output: Path) -> None:
    """Raise unless the file holds what the warehouse measures and scores of who bought, on each of the run's days.

    Ratios are doubles there, and may differ in the sixth digit.
    """
    different = [
        *(f"ours.{column} is distinct from theirs.{column}" for column in EQUAL),
        *(f"100 * ours.{column} is distinct from theirs.{column}" for column in CENTS),
        *(f"abs(coalesce(ours.{column}, -1) - coalesce(theirs.{column}, -1)) > 1.5e-6" for column in RATIOS),
    ]
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [(rows,)] = con.execute(
            f"""
            with ours as (
                select measured.*, scored.* exclude (as_of_date, customer_id), aliases.customer_ref
                from intermediate.int_customers_measured as measured
                inner join intermediate.int_rfm_scored as scored using (as_of_date, customer_id)
                inner join identity.customer_aliases as aliases using (customer_id)
                where measured.order_count > 0
            )
            select count(*)
            from ours
            full join read_parquet({quote_literal(str(output))}) as theirs
                on ours.as_of_date = theirs.as_of_date and ours.customer_ref = theirs.customer_id
            where ours.as_of_date is null or theirs.as_of_date is null or {" or ".join(different)}
            """
        ).fetchall()
    if rows:
        raise RuntimeError(f"{who}: {rows:,} rows differ from ours")


STEP = Step(
    name=NAME,
    title="Peers on the same rows",
    floor="from one Parquet file of orders to one row a customer with recency, frequency, monetary value, quantile "
    "scores and a segment, as it is usually written for each; in full: all columns that ours measures and scores, of "
    "both days, every value compared; stopped above 16 GiB",
    measure=measure_peers,
)
