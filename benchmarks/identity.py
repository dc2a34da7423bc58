"""Linking measured: records of customers in three systems, each with a phone and an e-mail address, as one process.

Six records in ten are a person's first; the others share a phone or an address with it, one in a hundred also says so
by id. One in a thousand has an address that fifty have. So the number of customers is known, and is checked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.company import Company, prepare
from benchmarks.measuring import measure
from benchmarks.steps import ORDERS_A_CUSTOMER, Comparison, Say, Step
from dagster_project.contract.entities import ENTITIES
from dagster_project.identity import link
from dagster_project.settings import load_settings
from dagster_project.sql_text import quote_literal
from dagster_project.warehouse import held

NAME = "identity"
LEAST_RECORDS = 10_000  # so that all shares of the generated records come out whole


def measure_identity(folder: Path, size: int, say: Say) -> list[Comparison]:
    """Records of as many customers as `size` orders have, linked twice: numbered anew, and with nothing new.

    Raises:
        RuntimeError: the customers found are not those that were generated, or not those of the bare script.
    """
    records = max(size // ORDERS_A_CUSTOMER // LEAST_RECORDS, 1) * LEAST_RECORDS
    say(f"generating and staging {records:,} records")
    company = generate(folder, records)
    output = folder / "bare.duckdb"
    most = str(company.settings.sources.identity.shared_by_more_than)
    say("the bare script")
    bare = measure([sys.executable, "-m", "benchmarks.bare_linking", str(company.warehouse), str(output), most])
    parts = []
    for part in ("first run, which numbers every reference", "next run, in which nothing is new"):
        say(part)
        ours = measure([sys.executable, "-m", "benchmarks.identity", str(folder)])
        _refuse_other_customers(company, output, records * 6 // 10)
        parts.append(Comparison(NAME, part, size, ours, bare, rows=records, note=_found(company)))
    return parts


def _refuse_other_customers(company: Company, bare: Path, expected: int) -> None:
    """Raise unless both put the same references together."""
    with company.connect() as con:
        con.execute(f"attach {quote_literal(str(bare))} as bare (read_only)")
        [(references, ours, theirs, both)] = con.execute(
            """
            select
                count(*), count(distinct customer_id), count(distinct customer),
                count(distinct (customer_id, customer))
            from identity.customer_aliases
            full join bare.customers using (source, customer_ref)
            """
        ).fetchall()
    if not ours == theirs == both == expected:
        raise RuntimeError(
            f"{references:,} references: {ours:,} customers, {theirs:,} by the bare script, {both:,} by either; "
            f"{expected:,} expected"
        )


def _found(company: Company) -> str:
    with company.connect() as con:
        [(references, links, shared)] = con.execute(
            """
            select
                (select count(*) from identity.customer_aliases),
                (select count(*) from identity.identity_links),
                (select count(*) from identity.shared_contact_points)
            """
        ).fetchall()
    return f"{references:,} references, {links:,} pieces of evidence, {shared:,} shared points"


def link_once(folder: Path) -> None:
    """Link what lies in the folder: the measured process."""
    settings = load_settings(folder / "config", folder / "data")
    limit = settings.environment.memory_limit
    with (
        held(settings.paths.warehouse, who="benchmark", wait_seconds=0, memory_limit=limit) as warehouse,
        warehouse.connection() as con,
    ):
        link(con, paths=settings.paths)


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

STEP = Step(
    name=NAME,
    title="Linking identities",
    floor="`benchmarks/bare_linking.py`: numbers, stars about shared contact points and connected components, without "
    "the evidence, the registry and what keeps customers apart",
    measure=measure_identity,
)

if __name__ == "__main__":
    link_once(Path(sys.argv[1]))
