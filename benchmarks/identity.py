"""Linking measured: records of customers in three systems, each with a phone and an e-mail address, as one process.

python -m benchmarks.identity --customers 1000000

Six records in ten are a person's first; the others share a phone or an address with it, one in a hundred also says so
by id. One in a thousand has an address that fifty have. So the number of customers is known, and is checked.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from benchmarks.company import Company, prepare
from benchmarks.measuring import measure
from dagster_project.contract.entities import ENTITIES
from dagster_project.identity import link
from dagster_project.settings import load_settings
from dagster_project.sql_text import quote_literal


def main(
    customers: Annotated[int, typer.Option(help="Customer records, a multiple of 10,000.")] = 1_000_000,
    folder: Annotated[Path | None, typer.Option(help="Where to work; a temporary folder by default.")] = None,
    worker: Annotated[bool, typer.Option(help="Link what lies in the folder: the measured process.")] = False,
) -> None:
    """Generate, stage, link twice as processes of their own, check the number of customers, and print."""
    if worker:
        assert folder is not None
        link_once(folder)
        return
    console = Console(soft_wrap=True)
    work = Path(tempfile.mkdtemp(prefix="strata-identity-", dir=folder))
    try:
        with console.status(f"{customers:,} records: generating and staging"):
            company = generate(work, customers)
        for run in ("first run, which numbers every reference", "second run, in which nothing is new"):
            words = [sys.executable, "-m", "benchmarks.identity", "--worker", "--folder", str(work)]
            measured = measure(words)
            with company.connect() as con:
                [(found, seconds, cpu_seconds, links, shared)] = con.execute(
                    """
                    select
                        (select count(distinct customer_id) from identity.customer_aliases),
                        (select seconds from measured),
                        (select cpu_seconds from measured),
                        (select count(*) from identity.identity_links),
                        (select count(*) from identity.shared_contact_points)
                    """
                ).fetchall()
            if found != customers * 6 // 10:
                raise RuntimeError(f"{found:,} customers found, {customers * 6 // 10:,} expected")
            console.print(
                f"{run}: {customers:,} records with {2 * customers:,} contact points linked in {seconds:.1f} s "
                f"(of processor time {cpu_seconds:.1f} s); the process took {measured.seconds:.1f} s and "
                f"{measured.peak_bytes / 2**30:.2f} GiB at most",
                highlight=False,
            )
            console.print(
                f"  {found:,} customers, {links:,} pieces of evidence, {shared:,} shared points",
                highlight=False,
            )
    finally:
        shutil.rmtree(work)


def link_once(folder: Path) -> None:
    """Link, and note in the warehouse how long that took."""
    settings = load_settings(folder / "config", folder / "data")
    with duckdb.connect(str(settings.paths.warehouse)) as con:
        con.execute("set TimeZone = 'UTC'")
        began, cpu_began = time.perf_counter(), time.process_time()
        link(con, paths=settings.paths)
        con.execute(
            "create or replace table measured as select cast(? as double) as seconds, cast(? as double) as cpu_seconds",
            [time.perf_counter() - began, time.process_time() - cpu_began],
        )


def generate(folder: Path, customers: int) -> Company:
    """A company with so many customer records in landed Parquet, and an order of each record of the shop; staged."""
    company = prepare(folder, orders=0)
    with company.connect() as con:
        for entity, select in (("customers", _RECORDS), ("customer_links", _LINKS), ("orders", _ORDERS)):
            file = folder / f"{entity}.parquet"
            con.execute(f"insert into landing.{entity} by name {select}", {"records": customers})
            con.execute(f"copy landing.{entity} to {quote_literal(str(file))} (format parquet, compression zstd)")
            con.execute(f"drop table landing.{entity}")
            columns = ", ".join(name for name, _ in ENTITIES[entity].landed_columns())
            con.execute(
                f"create view landing.{entity} as select {columns} from read_parquet({quote_literal(str(file))})"
            )
    company.dbt(select=("customer_strata.staging",))
    return company


_LINEAGE = """
    false as is_deleted, 'b' as batch_id, 1 as batch_sequence, timestamptz '2025-01-01 00:00:00+00' as landed_at,
    'customers' as source_file, number as row_number, 0 as row_hash
"""
_NUMBERED = """
    with numbered as (
        select
            range as number,
            range % ($records * 6 // 10) as person,
            range >= $records * 6 // 10 as is_second,
            case when range < $records * 4 // 10 then 'shop' when range < $records * 8 // 10 then 'crm' else 'club' end
                as source
        from range($records)
    )
"""
_RECORDS = f"""
    {_NUMBERED}
    select
        source, 'r' || number as customer_ref, 'person' as kind,
        timestamptz '2024-01-01 00:00:00+00' as created_at, timestamptz '2024-06-01 00:00:00+00' as updated_at,
        sha256('phone ' || case when is_second and person % 2 = 1 then -number else person end) as phone_hash,
        case
            when number % 1000 = 0 then sha256('shared ' || number // 50000)
            else sha256('email ' || case when is_second and person % 2 = 0 then -number else person end)
        end as email_hash,
        true as is_phone_valid, true as is_email_valid, false as is_wechat_valid, {_LINEAGE}
    from numbered
"""
_LINKS = f"""
    {_NUMBERED}
    select source, 'r' || number as customer_ref, 'shop' as linked_source, 'r' || person as linked_ref, {_LINEAGE}
    from numbered
    where is_second and source = 'club' and number % 20 = 0
"""
_ORDERS = f"""
    {_NUMBERED}
    select
        source, 'o' || number as order_id, 'r' || number as customer_ref,
        timestamptz '2024-01-01 00:00:00+00' + to_hours(cast(number % 8000 as bigint)) as ordered_at,
        'completed' as status, cast(10 as decimal(18, 2)) as gross_amount, 'EUR' as currency, {_LINEAGE}
    from numbered
    where source = 'shop'
"""

if __name__ == "__main__":
    typer.run(main)
