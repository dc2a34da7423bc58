"""`strata push` shows what would go out, writes it when told to and says what was refused; the asset does the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from crm_workshop import DAY, ZOHO
from tiny_shop import build_tiny_shop
from zoho_server import Misbehaving, ZohoServer

from dagster_project.defs.publishing import CRM_KEY, publishing_definitions
from dagster_project.publishing.assignments import issue
from dagster_project.publishing.audit import read_records
from dagster_project.settings import Settings, load_settings
from dagster_project.settings.paths import Paths
from dagster_project.sources.zoho_crm import asking

Strata = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def crm() -> Iterator[ZohoServer]:
    with ZohoServer({}) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, marts_file: Path, crm: ZohoServer) -> Paths:
    """A shop whose list of DAY was issued, with a CRM that telesales goes to."""
    asking._tokens.clear()
    crm.become_new({"Reactivations": []})
    crm.unique = {"Reactivations": ("Strata_Task_ID",)}
    config, data = build_tiny_shop(tmp_path)
    reactivation = yaml.safe_load((config / "publishing.yaml").read_text(encoding="utf-8"))["reactivation"]
    reactivation["channels"][0]["fields"] = ["customer_id", *ZOHO["fields"].values()]
    target = {**ZOHO, "accounts_url": crm.url, "api_url": crm.url}
    change(config / "publishing.yaml", crm=[target], reactivation=reactivation)
    business = yaml.safe_load((config / "sources.yaml").read_text(encoding="utf-8"))["business"]
    change(config / "sources.yaml", business={**business, "history_starts_on": "2017-01-01"})
    paths = Paths(root=config.parent, config=config, data=data)
    paths.warehouse.parent.mkdir(parents=True)
    paths.warehouse.write_bytes(marts_file.read_bytes())
    with duckdb.connect(str(paths.warehouse)) as con:
        issue(con, paths, DAY)
    return paths


@pytest.fixture
def strata(shop: Paths, crm: ZohoServer) -> Strata:
    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "", "STRATA_CONFIG": str(shop.config), "STRATA_DATA": str(shop.data)}
        return subprocess.run(
            [sys.executable, "-m", "dagster_project.cli", *words],
            env={**environment, **(variables or crm.variables("crm"))},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def change(path: Path, **settings: Any) -> None:
    document = {**yaml.safe_load(path.read_text(encoding="utf-8")), **settings}
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")


def contacts(shop: Paths) -> list[str]:
    with duckdb.connect(str(shop.warehouse), read_only=True) as con:
        rows = con.execute("select name, phone from personal.customer_contacts").fetchall()
    return [value for row in rows for value in row if value and len(value) > 3]


def test_a_dry_run_shows_counts_and_three_masked_examples_and_writes_nothing(strata: Strata, shop, crm) -> None:
    shown = strata("push", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "List of 2018-01-01 to crm, Reactivations; nothing is written" in shown.stdout
    assert "Examples, masked" in shown.stdout
    assert "Wake up, reactivation-2018-01" in shown.stdout
    assert not crm.written
    assert not [value for value in contacts(shop) if value in shown.stdout]
    assert not (shop.audit / "crm_pushes.jsonl").exists()


def test_a_dry_run_works_where_the_crm_does_not_answer(strata: Strata, crm) -> None:
    crm.misbehave(*[Misbehaving(status=503, code="BUSY")] * 3)
    shown = strata("push", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "crm could not be asked what it holds" in " ".join(shown.stdout.split())
    assert "Examples, masked" in shown.stdout


def test_a_push_is_told_and_a_second_one_changes_nothing(strata: Strata, shop, crm) -> None:
    told = strata("push")
    assert told.returncode == 0, told.stderr
    count = len(crm.modules["Reactivations"])
    assert count
    before = len(crm.written)
    again = strata("push", "--as-of", "2018-01-01", "--crm", "crm")
    assert again.returncode == 0, again.stderr
    assert len(crm.written) == before
    assert [record["state"] for record in read_records(shop.audit / "crm_pushes.jsonl")] == ["begun", "ended"]
    assert not [value for value in contacts(shop) if value in told.stdout + again.stdout]


def test_what_was_refused_is_named_with_its_reason_and_the_command_fails(strata: Strata, shop, crm) -> None:
    first = []
    crm.refuse = lambda record: None if first else first.append(record) or ("INVALID_DATA", "Phone")
    told = strata("push")
    assert told.returncode == 1
    assert "INVALID_DATA: Phone: invalid data" in told.stdout
    assert "1 task refused" in told.stderr
    assert not [value for value in contacts(shop) if value in told.stdout + told.stderr]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["push", "--as-of", "2018-01-02"], "No list was issued for 2018-01-02"),
        (["push", "--crm", "crn"], "publishing.yaml switches on no CRM 'crn'; did you mean 'crm'?"),
    ],
)
def test_what_cannot_be_pushed_is_said(strata: Strata, crm, words: list[str], said: str) -> None:
    refused = strata(*words)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert not crm.asked


def test_a_secret_that_is_missing_is_named(strata: Strata) -> None:
    refused = strata("push", STRATA_CRM_CLIENT_ID="1000.x")
    assert refused.returncode == 1
    assert "STRATA_CRM_CLIENT_SECRET" in refused.stderr


def test_without_a_crm_in_the_settings_a_push_says_where_to_write_one(strata: Strata, shop) -> None:
    change(shop.config / "publishing.yaml", crm=[])
    refused = strata("push")
    assert refused.returncode == 1
    assert "publishing.yaml names no CRM" in refused.stderr


def settings_of(shop: Paths, crm: ZohoServer) -> Settings:
    settings = load_settings(shop.config, shop.data)
    return replace(settings, environment=replace(settings.environment, secrets=crm.secrets("crm")))


def test_the_daily_run_writes_the_newest_list_once(shop, crm) -> None:
    assets = {asset.key: asset for asset in publishing_definitions(settings_of(shop, crm)).assets or ()}
    for _ in range(2):
        result = dg.materialize([assets[CRM_KEY]], partition_key="2018-01-03")
        assert result.success
    assert crm.modules["Reactivations"]
    assert len(crm.written) == 1
    [materialization] = result.asset_materializations_for_node("publish__crm")
    shown = str(materialization.metadata)
    assert materialization.metadata["list"].value == "2018-01-01"
    assert not [value for value in contacts(shop) if value in shown]


def test_before_the_first_list_the_daily_run_asks_no_crm(shop, crm) -> None:
    assets = {asset.key: asset for asset in publishing_definitions(settings_of(shop, crm)).assets or ()}
    assert dg.materialize([assets[CRM_KEY]], partition_key="2017-12-31").success
    assert not crm.asked


def test_a_crm_that_is_switched_off_has_no_asset(shop, crm) -> None:
    change(shop.config / "publishing.yaml", crm=[{**ZOHO, "enabled": False}])
    assert CRM_KEY not in {asset.key for asset in publishing_definitions(settings_of(shop, crm)).assets or ()}
