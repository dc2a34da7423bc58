"""The command line without a run: what it refuses, in which words, and that refusing is quick and leaves no trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_shop import build_tiny_shop

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


def test_marked_days_of_nothing_stored_are_none(strata: Strata) -> None:
    done = strata("backfill", "--marked")
    assert done.returncode == 0
    assert "No stored day is marked" in done.stdout


def test_an_empty_quarantine_is_an_empty_table(strata: Strata) -> None:
    assert strata("quarantine", "list").returncode == 0


def test_help_and_version_load_no_dagster() -> None:
    program = "import sys; from dagster_project import cli; print('dagster' in sys.modules, 'duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
    shown = subprocess.run([sys.executable, "-m", "dagster_project.cli", "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith("strata 0.")
