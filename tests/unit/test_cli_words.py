"""The command line without a run: what it refuses, in which words, and that refusing is quick and leaves no trace."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import yaml
from tiny_shop import build_tiny_shop
from warehouse_builder import WarehouseBuilder

from dagster_project.defs.runs import opened_instance
from dagster_project.settings import load_settings
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.terminal import counted
from dagster_project.warehouse.control import record_builds, write_control

Strata = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build_tiny_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def strata(shop: tuple[Path, Path]) -> Strata:
    """Run `strata` on the shop; `config` and `data` can be others."""

    def run(*words: str, config: Path = shop[0], data: Path = shop[1]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dagster_project.cli", *words],
            env={"PATH": "", "STRATA_CONFIG": str(config), "STRATA_DATA": str(data)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--as-of", "2024-02-30"], "--as-of: '2024-02-30' is no day. Write it as YYYY-MM-DD"),
        (["run", "--as-of", "2022-12-31"], "business.history_starts_on in sources.yaml is 2023-01-01"),
        (["run", "--as-of", "2999-01-01"], "2999-01-01 is not over yet; the last complete business day is"),
        (["backfill"], "Say --from DAY and --to DAY, or --marked."),
        (["backfill", "--from", "2024-01-01"], "Say --from DAY and --to DAY, or --marked."),
        (["backfill", "--from", "2024-01-02", "--to", "2024-01-01"], "ends (2024-01-01) before it begins (2024-01-02)"),
        (
            ["backfill", "--from", "2024-01-02", "--to", "2024-01-30", "--every", "month-end"],
            "No month ends between 2024-01-02 and 2024-01-30.",
        ),
        (["backfill", "--marked", "--from", "2024-01-02"], "--marked chooses the days by itself"),
        (["report"], "No day is stored yet; `strata run` builds one."),
    ],
)
def test_what_cannot_be_is_refused_with_its_cure_and_without_a_traceback(
    strata: Strata, words: list[str], says: str
) -> None:
    done = strata(*words)
    assert done.returncode == 1, done.stdout
    assert says in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_in_the_settings_names_file_and_place(strata: Strata, shop: tuple[Path, Path], tmp_path: Path) -> None:
    sources = (shop[0] / "sources.yaml").read_text().replace("currency: CNY", "curency: CNY", 1)
    for name in ("standards.yaml", "publishing.yaml"):
        (tmp_path / name).write_text((shop[0] / name).read_text())
    (tmp_path / "sources.yaml").write_text(sources)
    done = strata("run", config=tmp_path)
    assert done.returncode == 1
    assert "sources.yaml" in done.stderr
    assert "curency" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_tells_what_a_run_would_find_and_writes_nothing(strata: Strata, shop: tuple[Path, Path]) -> None:
    before = sorted(shop[1].rglob("*"))
    done = strata("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "orders" in done.stdout
    assert "ordered_at fits no format" in " ".join(done.stdout.split())
    assert sorted(shop[1].rglob("*")) == before


def test_check_fails_when_a_file_lacks_a_column(strata: Strata, tmp_path: Path) -> None:
    config, data = build_tiny_shop(tmp_path)
    refunds = data / "inbox" / "shop" / "refunds.csv"
    refunds.write_text(refunds.read_text(encoding="utf-8-sig").replace("退款编号", "编号", 1), encoding="utf-8")
    done = strata("check", config=config, data=data)
    assert done.returncode == 1, done.stdout
    assert "1 of 6 files cannot be landed as they are." in done.stderr


def plain(text: str) -> str:
    """Text without the lines of tables and without line breaks."""
    return " ".join(text.translate(dict.fromkeys(map(ord, "│┃━┏┓┗┛┡┩─└┘╇┳┴┼"), " ")).split())


def changed_standard(folder: Path, **sections: object) -> Path:
    """The shipped standard with other sections, as a file."""
    document = yaml.safe_load((PROJECT_ROOT / "config" / "standards.yaml").read_text(encoding="utf-8"))
    path = folder / "another.yaml"
    path.write_text(yaml.safe_dump({**document, **sections}, allow_unicode=True), encoding="utf-8")
    return path


def test_a_standard_is_checked_with_its_version_and_what_it_says_differently(strata: Strata, tmp_path: Path) -> None:
    done = strata("standards", "check", str(changed_standard(tmp_path, name="short", window_days=180)))
    assert done.returncode == 0, done.stderr
    said = plain(done.stdout)
    assert "short, version " in said
    assert "for all days" in said
    assert "window_days 365 180" in said
    assert "strata impact" in said
    relabelled = changed_standard(tmp_path, name="the same")
    assert "The version is the same: no customer changes class." in plain(
        strata("standards", "check", str(relabelled)).stdout
    )
    as_configured = strata("standards", "check", str(PROJECT_ROOT / "config" / "standards.yaml"))
    assert "It says what the configured standard says." in as_configured.stdout


def test_a_standard_that_cannot_be_is_refused_with_its_line(strata: Strata, tmp_path: Path) -> None:
    done = strata("standards", "check", str(changed_standard(tmp_path, window_dayz=180)))
    assert done.returncode == 1
    assert "window_dayz: there is no setting 'window_dayz' here; did you mean 'window_days'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert "another.yaml is missing" in strata("standards", "check", str(tmp_path / "x" / "another.yaml")).stderr


def test_the_standard_that_no_run_has_used_is_listed_as_such(strata: Strata) -> None:
    done = strata("standards", "list")
    assert done.returncode == 0, done.stderr
    assert "with the next run" in done.stdout


def test_the_schema_is_written_beside_the_settings_as_it_is_shipped(
    strata: Strata, shop: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in ("standards.yaml", "publishing.yaml", "sources.yaml"):
        (tmp_path / name).write_text((shop[0] / name).read_text(encoding="utf-8"), encoding="utf-8")
    done = strata("standards", "schema", config=tmp_path)
    assert done.returncode == 0, done.stderr
    written = tmp_path / "schemas" / "standards.schema.json"
    assert done.stdout.strip() == str(written)
    assert written.read_bytes() == (PROJECT_ROOT / "config" / "schemas" / "standards.schema.json").read_bytes()


def test_status_tells_days_of_another_standard_and_the_days_of_runs_that_chose_them(tmp_path: Path) -> None:
    config, data = build_tiny_shop(tmp_path)
    built = WarehouseBuilder(data, history_starts_on=date(2023, 1, 1))
    days = [date(2024, 5, 31), date(2024, 6, 30)]
    with built.connect() as con:
        record_builds(
            con, write_control(con, settings=built.settings, manifest=built.manifest, days=days), built.manifest
        )
    changed_standard(config, name="short", window_days=180).rename(config / "standards.yaml")
    settings = load_settings(config, data)
    with opened_instance(settings.paths) as instance:
        for job, chosen in (("month_ends", days), ("month_ends", [*days, date(2024, 3, 31), date(2024, 4, 30)])):
            op = {"config": {"days": [str(day) for day in chosen]}}
            instance.add_run(dg.DagsterRun(job_name=job, run_config={"ops": {"classify_chosen_days": op}}))
    done = subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", "status"],
        env={"PATH": "", "STRATA_CONFIG": str(config), "STRATA_DATA": str(data), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = plain(done.stdout)
    assert "2 days stored, 2024-05-31 to 2024-06-30; 0 marked for a rebuild" in said
    was, now = built.settings.standard, settings.standard
    assert f"2024-05-31 2024-06-30 2 {was.version} {was.name} {now.version} short" in said
    assert "They keep their classes until they are rebuilt" in said
    assert "month_ends 2024-05-31, 2024-06-30 not_started" in said
    assert "month_ends 4 days from 2024-03-31 to 2024-06-30 not_started" in said


@pytest.mark.parametrize(("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234567, "1,234,567 rows")])
def test_one_is_told_in_the_singular(count: int, said: str) -> None:
    assert counted(count, "row") == said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["clusters", "fit"],
            "standards.yaml says clusters: none. Say how many, e.g. clusters: { count: 4, seed: 7 }.",
        ),
        (["explain", "1"], "There is no published copy to read at"),
        (["explain", "1", "--as-of", "yesterday"], "There is no published copy to read at"),
        (["impact", "nowhere.yaml"], "nowhere.yaml is missing."),
    ],
)
def test_what_reads_the_published_copy_says_what_it_lacks(strata: Strata, words: list[str], says: str) -> None:
    done = strata(*words)
    assert done.returncode == 1, done.stdout
    assert says in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr


def test_marked_days_of_nothing_stored_are_none(strata: Strata) -> None:
    done = strata("backfill", "--marked")
    assert done.returncode == 0
    assert "No stored day is marked" in done.stdout


def test_an_empty_quarantine_is_an_empty_table(strata: Strata) -> None:
    assert strata("quarantine", "list").returncode == 0


def test_help_shows_every_command_below_what_it_is_for(strata: Strata) -> None:
    shown = strata("--help").stdout
    headings = re.findall(r"^╭─ (.+?) ─+╮$", shown, re.MULTILINE)
    assert headings == ["Options", "Begin", "Days", "Customers and lists", "Privacy", "Operation"]


def test_help_and_version_load_no_dagster() -> None:
    program = "import sys; from dagster_project import cli; print('dagster' in sys.modules, 'duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
    shown = subprocess.run([sys.executable, "-m", "dagster_project.cli", "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith("strata 0.")
