"""No log, Dagster event, metadata, report, published table or message holds a person's name or contact point.

Every member of the tiny shop has values that occur nowhere else. They are searched for, in every encoding and through
every packed file, after a run that succeeds and after runs that fail in each way that touches them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import adbc_driver_postgresql.dbapi
import pytest
from people_shop import KEY, NOBODY_LISTENS, printed, use_targets
from planted_people import REASON_WORD, change, found_below, found_in, planted_customer
from shop_runs import SECOND_AS_OF, STRATA, Shop
from tiny_shop import PROJECT_ROOT

PLACES = {
    "inbox/": "the files as they were dropped; never changed",
    "landing/personal/": "personal columns of landed rows",
    "landing/quarantine/": "refused rows with their original text",
    "lists/": "what a channel needs to reach its customers",
}


@pytest.fixture
def shop(people_shop: Shop, tmp_path: Path) -> Shop:
    """A copy of the shop of planted people, to be changed; its runs would end where PostgreSQL does not answer."""
    copy = people_shop.copied_to(tmp_path).given(STRATA_HASH_KEY=KEY, STRATA_POSTGRES_URL=NOBODY_LISTENS)
    use_targets(copy, tables_in_postgres=True, lists_in_postgres=False)
    return copy


def failing(shop: Shop) -> str:
    return shop.strata("run", "--as-of", str(SECOND_AS_OF), code=1)


def members(shop: Shop) -> Path:
    return shop.data / "inbox" / "members" / "customers.csv"


def remap(shop: Shop, column: str, heading: str) -> None:
    """Read a column of the contract from another heading of the members' file than its own."""
    sources = shop.config / "sources.yaml"
    before, members, after = sources.read_text(encoding="utf-8").partition("  - name: members")
    changed, count = re.subn(f"(?m)^          {column}: .*$", f"          {column}: {heading}", after, count=1)
    assert count == 1
    sources.write_text(before + members + changed, encoding="utf-8")


def test_the_planted_values_are_there_to_be_found(people_shop: Shop) -> None:
    found = found_below(people_shop.data, but={})
    for place in ("inbox/", "landing/personal/", "lists/"):
        assert any(name.startswith(place) for name in found), place
    for name in found:
        assert name.startswith(tuple(PLACES)), name
    anybody = planted_customer(31)
    assert all(found_in(value.encode()) for value in [*anybody.values(), f"{REASON_WORD}000031", "+12125550131"])


def test_a_run_leaves_personal_values_only_in_their_places(people_shop: Shop) -> None:
    assert found_below(people_shop.data, but=PLACES) == {}
    assert found_in(printed(people_shop).encode()) == []
    published = tables_of(people_shop.variables["STRATA_POSTGRES_URL"], "strata")
    assert {"customer_segments", "customer_aliases", "reactivation_list"} <= published.keys()
    assert {table: words for table, content in published.items() if (words := found_in(content.encode()))} == {}


def tables_of(url: str, schema: str) -> dict[str, str]:
    """Every row of every table of a PostgreSQL schema, as text."""
    with adbc_driver_postgresql.dbapi.connect(url) as target, target.cursor() as cursor:
        cursor.execute(f"select tablename from pg_tables where schemaname = '{schema}'")
        tables = [table for (table,) in cursor.fetchall()]
        contents = {}
        for table in tables:
            cursor.execute(f'select string_agg(t::text, chr(10)) from "{schema}"."{table}" as t')
            contents[table] = str(cursor.fetchall())
    return contents


def test_a_members_file_without_a_header_is_refused_without_its_first_line(shop: Shop) -> None:
    text = members(shop).read_text(encoding="utf-8")
    members(shop).write_text(text.partition("\n")[2], encoding="utf-8")
    output = failing(shop)
    assert "they are not shown, since the line may be a record" in output
    nothing_is_told(shop, output)


def test_a_field_that_no_reader_takes_is_refused_without_its_line(shop: Shop) -> None:
    """One of 22 MB; what is longer than 16 MB is taken for a quote that was never closed."""
    change(members(shop), lambda row: {**row, "姓名": row["姓名"] * 2_000_000} if row["会员编号"] == "000031" else row)
    output = failing(shop)
    assert "customers.csv" in output
    assert "PostgreSQL" not in output, "the run ends where the file is read"
    nothing_is_told(shop, output)


def test_names_read_as_something_else_are_refused_without_the_names(shop: Shop) -> None:
    remap(shop, "kind", "姓名")
    remap(shop, "created_at", "手机")
    output = failing(shop)
    assert "kind is not one of person, company" in output
    nothing_is_told(shop, output)
    listed = shop.strata("quarantine", "list") + shop.strata("check", code=1)
    assert "kind is not one of person, company" in listed
    assert found_in(listed.encode()) == []


def test_phones_read_as_a_region_are_not_published_nor_told(shop: Shop) -> None:
    remap(shop, "region", "手机")
    published = shop.published()
    output = failing(shop)
    assert "no_personal_data" in output
    assert shop.published() == published
    # As far as the mapping told, these were regions: batches and tables of the warehouse hold them until it is mended.
    nothing_is_told(shop, output, but={"landing/batches/": "as mapped", "warehouse/": "as mapped"})


def test_a_postgresql_that_is_down_fails_without_values_or_password(rebuilt_shop: Shop) -> None:
    output = printed(rebuilt_shop)
    assert "PostgreSQL (STRATA_POSTGRES_URL)" in output
    nothing_is_told(rebuilt_shop, output)
    assert "secret@" not in output + rebuilt_shop.newest_log()


FAILING_NODES = {
    "tests/assert_nobody_has_a_name.sql": "select * from {{ ref('stg_customers_personal') }} where name is not null",
    "models/staging/numbers_of_names.sql": (
        "{{ config(materialized='table') }} select cast(name as integer) as number "
        "from {{ source('landing', 'customers_personal') }}"
    ),
}


def test_a_test_and_a_model_of_dbt_fail_without_telling_at_whom(shop: Shop, tmp_path: Path) -> None:
    """Both in the first of dbt's stretches: what comes after it is not built."""
    project = tmp_path / "project"
    for folder in ("dagster_project", "dbt_project"):
        shutil.copytree(PROJECT_ROOT / folder, project / folder, ignore=shutil.ignore_patterns("target"))
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", project / "dagster.yaml")
    for file, query in FAILING_NODES.items():
        (project / "dbt_project" / file).write_text(query + "\n", encoding="utf-8")
    done = subprocess.run(
        [*STRATA, "run", "--as-of", str(SECOND_AS_OF)],
        cwd=project,
        env={**shop.environment, "PYTHONPATH": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert all(Path(file).stem in done.stdout for file in FAILING_NODES)
    assert "Could not convert string … to INT32" in done.stdout
    nothing_is_told(shop, done.stdout)


def nothing_is_told(shop: Shop, output: str, but: dict[str, str] | None = None) -> None:
    """The run failed, and neither what it printed nor what it left behind holds a planted value."""
    assert found_in(output.encode()) == []
    assert found_below(shop.data, but={**PLACES, **(but or {})}) == {}
