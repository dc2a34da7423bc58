"""`strata doctor` names what is wrong with an installation, and what cures it. Each damage is done to a real shop."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from older_installations import before_predictions
from pydantic import SecretStr
from shop_runs import FIRST_AS_OF, Shop

from dagster_project.defs.runs import dagster_facts, opened_instance
from dagster_project.doctor.examining import examine
from dagster_project.doctor.findings import Finding, Verdict
from dagster_project.doctor.runs import DagsterFacts, check_dagster
from dagster_project.landing import Manifest
from dagster_project.settings import Deployment, Settings
from dagster_project.warehouse import opened
from dagster_project.warehouse.processes import this_process

# The morning after the shop's day, in Shanghai; its batches landed when the test ran.
MORNING = datetime(2024, 12, 31, 1, tzinfo=UTC)


def found(shop: Shop, *, is_thorough: bool = False, settings: Settings | None = None) -> list[Finding]:
    settings = settings or shop.settings
    return examine(settings, lambda: dagster_facts(settings.paths), now=MORNING, is_thorough=is_thorough)


def of(findings: list[Finding], about: str) -> Finding:
    """The worst finding on a subject."""
    order = [Verdict.WRONG, Verdict.WARNING, Verdict.OK]
    return min((each for each in findings if each.about == about), key=lambda each: order.index(each.verdict))


def wrongs(findings: list[Finding]) -> set[str]:
    return {each.about for each in findings if each.verdict is Verdict.WRONG}


def batch_file(shop: Shop) -> Path:
    [batch, *_] = Manifest.load(shop.settings.paths).of("orders")
    assert batch.path is not None
    return shop.data / "landing" / batch.path


def warehouse(shop: Shop) -> Path:
    return shop.data / "warehouse" / "strata.duckdb"


def test_nothing_is_wrong_with_a_sound_installation_and_nothing_is_changed(shared_shop: Shop) -> None:
    own = [path for path in sorted(shared_shop.data.iterdir()) if path.name != "dagster"]
    before = {file: file.read_bytes() for path in own for file in path.rglob("*") if file.is_file()}
    findings = found(shared_shop, is_thorough=True)
    assert wrongs(findings) == set(), findings
    assert of(findings, "stored days").says == f"1, {FIRST_AS_OF} to {FIRST_AS_OF}"
    assert of(findings, "tables").says.endswith("every block was read")
    assert all(each.cure for each in findings if each.verdict is not Verdict.OK)
    assert {file: file.read_bytes() for path in own for file in path.rglob("*") if file.is_file()} == before


def lose_a_batch(shop: Shop) -> None:
    batch_file(shop).unlink()


def cut_a_batch(shop: Shop) -> None:
    file = batch_file(shop)
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-20])


def damage_an_entry(shop: Shop) -> None:
    entry = min((shop.data / "landing" / "manifest").glob("*.json"))
    entry.write_text(entry.read_text(encoding="utf-8")[:50], encoding="utf-8")


def open_to_others(shop: Shop) -> None:
    (shop.data / "lists").chmod(0o755)


def lose_an_assignment(shop: Shop) -> None:
    [file] = (shop.data / "assignments").glob("*/*.parquet")
    file.write_bytes(b"PAR1 no more")


def lose_the_registry(shop: Shop) -> None:
    shutil.rmtree(shop.data / "identity")


def lose_the_standards(shop: Shop) -> None:
    shutil.rmtree(shop.data / "standards")


def damage_a_standard(shop: Shop) -> None:
    [file] = (shop.data / "standards").glob("*.json")
    file.write_text("{}", encoding="utf-8")


def interrupt_an_erasure(shop: Shop) -> None:
    folder = shop.data / "erasures"
    folder.mkdir(mode=0o700)
    (folder / "pending.json").write_text("{", encoding="utf-8")


def cut_the_warehouse(shop: Shop) -> None:
    warehouse(shop).write_bytes(b"no database")


def leave_an_upgrade(shop: Shop) -> None:
    (shop.data / "warehouse" / "upgrade").mkdir()


def newer_warehouse(shop: Shop) -> None:
    with duckdb.connect(str(warehouse(shop))) as con:
        con.execute("update control.schema_version set version = 99")


def drop_a_column(shop: Shop) -> None:
    with duckdb.connect(str(warehouse(shop))) as con:
        con.execute("alter table marts.customer_value drop column value_tier")


def lose_the_serving_copy(shop: Shop) -> None:
    (shop.data / "published" / "serving" / "strata.duckdb").unlink()


def damage_the_serving_copy(shop: Shop) -> None:
    copy = shop.data / "published" / "serving" / "strata.duckdb"
    copy.chmod(0o644)
    copy.write_bytes(b"no database")


def lose_a_published_day(shop: Shop) -> None:
    link = shop.data / "published" / "parquet" / f"as_of_date={FIRST_AS_OF}"
    shutil.rmtree(link.resolve())


def cut_a_published_file(shop: Shop) -> None:
    file = shop.data / "published" / "parquet" / f"as_of_date={FIRST_AS_OF}" / "customer_segments.parquet"
    file.write_bytes(file.read_bytes()[:-1])


def forget_the_current_version(shop: Shop) -> None:
    (shop.data / "published" / "parquet" / "current.json").unlink()


@pytest.mark.parametrize(
    ("damage", "about", "says", "cure"),
    [
        (lose_a_batch, "landed files", "missing: landing/batches/orders/", "restore it from a backup"),
        (cut_a_batch, "landed files", "changed since they landed: landing/batches/orders/", "restore it from a backup"),
        (damage_an_entry, "manifest", "is damaged", "restore it from a backup"),
        (open_to_others, "private files", "others may read lists", "chmod"),
        (lose_an_assignment, "assignments", "cannot be read", "restore it from a backup"),
        (lose_the_registry, "warehouse and what it is made of", "and data/identity knows 0", "of one backup"),
        (lose_the_standards, "warehouse and what it is made of", "that data/standards lacks", "of one backup"),
        (damage_a_standard, "standards", "cannot be read", "restore it from a backup"),
        (interrupt_an_erasure, "erasure", "", "`strata forget --resume`"),
        (cut_the_warehouse, "warehouse", "cannot be opened", "it is made of landing"),
        (leave_an_upgrade, "upgrade", "is not finished", "`strata upgrade`"),
        (before_predictions, "warehouse version", "was built before warehouses had a version", "`strata upgrade`"),
        (newer_warehouse, "warehouse version", "newer than this Customer Strata", "install the version"),
        (drop_a_column, "tables", "marts.customer_value lacks value_tier varchar", "it is made of landing"),
        (lose_the_serving_copy, "serving copy", "is missing", "`strata run`"),
        (damage_the_serving_copy, "serving copy", "cannot be opened", "`strata run`"),
        (lose_a_published_day, "published Parquet", f"as_of_date={FIRST_AS_OF} (its link leads nowhere", "backfill"),
        (cut_a_published_file, "published Parquet", "customer_segments.parquet is missing or cut", "backfill"),
        (forget_the_current_version, "published Parquet", "current.json is missing or damaged", "`strata run`"),
    ],
)
def test_a_damage_is_named_with_its_cure(
    damage: Callable[[Shop], None], about: str, says: str, cure: str, shop: Shop
) -> None:
    damage(shop)
    findings = found(shop)
    finding = of(findings, about)
    assert finding.verdict is Verdict.WRONG
    assert says in finding.says
    assert cure in finding.cure
    others = wrongs(findings) - {about, "manifest", "landed files", "standards", "assignments", "landing"}
    assert others <= {"published copies"}, "one damage is one thing wrong"


def test_a_changed_byte_is_found_by_thorough_reading(shop: Shop) -> None:
    file = batch_file(shop)
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(content))
    assert of(found(shop, is_thorough=True), "landed files").verdict is Verdict.WRONG


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("warehouse/strata.duckdb", {"tables", "warehouse"}),
        ("published/serving/strata.duckdb", {"serving copy"}),
    ],
)
def test_damaged_blocks_of_a_database_are_found_by_thorough_reading(shop: Shop, place: str, named: set[str]) -> None:
    file = shop.data / place
    content = bytearray(file.read_bytes())
    block = 262_144
    for start in range(3 * 4096 + 8 * block, len(content) - block, block):
        content[start + 1000 : start + 1100] = bytes(100)
    file.chmod(0o644)
    file.write_bytes(bytes(content))
    assert named & wrongs(found(shop, is_thorough=True))


def test_secrets_that_the_settings_need_are_asked_for_by_name(shop: Shop) -> None:
    settings = shop.settings
    enabled = settings.publishing.model_copy(
        update={"postgres": settings.publishing.postgres.model_copy(update={"enabled": True})}
    )
    finding = of(found(shop, settings=replace(settings, publishing=enabled)), "secrets")
    assert finding.verdict is Verdict.WRONG
    assert finding.says == "STRATA_POSTGRES_URL is not set"


def test_a_postgresql_without_the_days_is_named_and_one_that_does_not_answer(
    shop: Shop, postgres_database: str
) -> None:
    settings = shop.settings
    enabled = settings.publishing.model_copy(
        update={"postgres": settings.publishing.postgres.model_copy(update={"enabled": True})}
    )

    def at(url: str) -> Finding:
        environment = replace(settings.environment, postgres_url=SecretStr(url))
        return of(found(shop, settings=replace(settings, publishing=enabled, environment=environment)), "PostgreSQL")

    assert at(postgres_database).verdict is Verdict.WARNING
    assert "is not there yet" in at(postgres_database).says
    silent = at("postgresql://user:hidden@127.0.0.1:1/none")
    assert silent.verdict is Verdict.WRONG
    assert "hidden" not in silent.says


def test_a_warehouse_that_somebody_has_is_no_fault_and_says_who(shop: Shop) -> None:
    with opened(warehouse(shop), who="a long backfill", wait_seconds=5):
        finding = of(found(shop), "warehouse")
    assert finding.verdict is Verdict.WARNING
    assert "a long backfill" in finding.says


def test_what_a_killed_run_has_left_is_told(shop: Shop) -> None:
    (shop.data / "landing" / "batches" / "orders" / "stray.parquet").write_bytes(b"")
    (shop.data / "published" / "serving" / ".strata.duckdb.unfinished").write_bytes(b"")
    findings = found(shop)
    assert "stray.parquet" in of(findings, "unknown files").says
    assert "published/serving/.strata.duckdb.unfinished" in of(findings, "unfinished files").says
    assert wrongs(findings) == set()


def test_marked_and_missing_days_name_the_command_that_builds_them(shop: Shop) -> None:
    with duckdb.connect(str(warehouse(shop))) as con:
        con.execute("insert into control.relinked_days values (?)", [FIRST_AS_OF])
        for days in (2, 4, 5):
            con.execute(
                "insert into control.snapshot_builds select as_of_date - ?::integer, standard_version, batch_sequence "
                "from control.snapshot_builds where as_of_date = ?",
                [days, FIRST_AS_OF],
            )
    findings = found(shop)
    assert of(findings, "marked days").cure == "`strata backfill --marked`"
    gaps = of(findings, "gaps")
    assert gaps.says == f"no {FIRST_AS_OF - timedelta(days=3)}, {FIRST_AS_OF - timedelta(days=1)}"
    assert of(findings, "serving copy").verdict is Verdict.WRONG
    assert f"--from {FIRST_AS_OF - timedelta(days=5)}" in of(findings, "serving copy").cure


def test_a_production_that_is_days_behind_is_wrong(shop: Shop) -> None:
    settings = replace(shop.settings, environment=replace(shop.settings.environment, deployment=Deployment.PRODUCTION))
    late = examine(settings, lambda: None, now=MORNING + timedelta(days=3))
    assert of(late, "newest day").verdict is Verdict.WRONG
    assert of(late, "newest day").cure.startswith("`strata run`")


def test_runs_that_died_or_failed_are_told_of(shop: Shop) -> None:
    gone = replace(this_process(), began="0").tags()
    with opened_instance(shop.settings.paths) as instance:
        for status, tags in ((dg.DagsterRunStatus.STARTED, gone), (dg.DagsterRunStatus.FAILURE, {})):
            instance.add_run(dg.DagsterRun("daily", run_id=str(uuid.uuid4()), status=status, tags=tags))
    findings = found(shop)
    assert of(findings, "dead runs").cure == "the next `strata run` ends it and frees its place"
    assert wrongs(findings) == {"newest daily run"}


def test_a_daemon_is_asked_for_in_production_alone_and_where_runs_wait() -> None:
    waiting = DagsterFacts(queued_runs=["11111111"])
    assert wrongs(list(check_dagster(waiting, Deployment.DEVELOPMENT))) == {"queue"}
    silent = DagsterFacts(silent_daemons=["SCHEDULER"])
    assert wrongs(list(check_dagster(silent, Deployment.PRODUCTION))) == {"daemon"}
    assert wrongs(list(check_dagster(silent, Deployment.DEVELOPMENT))) == set()
    assert of(list(check_dagster(DagsterFacts(), Deployment.PRODUCTION)), "daemon").verdict is Verdict.WARNING
    assert of(list(check_dagster(DagsterFacts(), Deployment.DEVELOPMENT)), "daemon").verdict is Verdict.OK


def test_the_command_prints_a_table_and_ends_with_1_where_something_is_wrong(shop: Shop) -> None:
    assert "Nothing is wrong" in shop.strata("doctor")
    lose_the_serving_copy(shop)
    said = " ".join(shop.strata("doctor", code=1).split())
    assert "1 thing wrong: serving copy." in said
    (shop.config / "sources.yaml").rename(shop.config / "sources.yml")
    assert "settings" in shop.strata("doctor", code=1)
