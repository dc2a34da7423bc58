"""What `make bench` promises about its own figures: stopped runs go on, what got slower is said."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from benchmarks.bare_run import BASE, TABLES
from benchmarks.company import prepare
from benchmarks.empty_run import generate as generate_empty
from benchmarks.growth import exponent, growths
from benchmarks.history import History
from benchmarks.keeping import Result, accept, read_figures, read_lines, slower
from benchmarks.machine import Machine
from benchmarks.measuring import DidNotFinish, Measured, Unfinished, attempt, measure
from benchmarks.page import BEGIN, END, PAGE, read_size, section, write_page
from benchmarks.running import RESULTS, run_steps
from benchmarks.runs import compare
from benchmarks.steps import Comparison, Say, Step, load_steps
from dagster_project.warehouse.dbt_manifest import dbt_executable
from dagster_project.warehouse.schema_version import noted_version, version_now

MACHINE = Machine("a processor", 2, 24 * 2**30, "Python 3", 0.0)
MEBIBYTE = 2**20


def part(name: str = "CSV", *, size: int = 1_000, ours: float = 1.0, floor: float | None = 1.0) -> Comparison:
    its_floor = None if floor is None else Measured(floor, floor, 1)
    return Comparison("landing", name, size, Measured(ours, ours, 1), its_floor, aim=1.5)


def result(*parts: Comparison) -> Result:
    return Result("landing", parts[0].size, "2026-11-22", MACHINE, "code", 60.0, parts)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def counted_step(name: str, file: Path, *, fails: bool = False) -> Step:
    """A step that leaves a line in `file` each time that it is measured."""

    def run(folder: Path, size: int, say: Say) -> list[Comparison]:
        with file.open("a") as lines:
            lines.write(f"{name} {size}\n")
        say("starting")
        (folder / "made").touch()
        if fails:
            raise ValueError("rows differ")
        return [Comparison(name, "all of it", size, measure(python("pass")), None)]

    return Step(name, name.title(), "nothing", run)


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)


def test_memory_of_children_counts_with_that_of_the_process() -> None:
    child = f"import time; held = bytearray({200 * MEBIBYTE}); time.sleep(0.5)"
    parent = (
        f"import subprocess, sys; held = bytearray({200 * MEBIBYTE}); subprocess.run([sys.executable, '-c', {child!r}])"
    )
    measured = measure(python(parent))
    assert 400 * MEBIBYTE <= measured.peak_bytes < 500 * MEBIBYTE


def test_memory_of_the_benchmark_itself_does_not_count() -> None:
    held = bytearray(400 * MEBIBYTE)
    assert measure(python("import time; time.sleep(0.3)")).peak_bytes < 100 * MEBIBYTE < len(held)


def test_processor_time_of_children_counts() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    measured = measure(python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"))
    assert measured.cpu_seconds >= 0.3


@pytest.mark.parametrize(
    "code", ["raise MemoryError", f"import time; held = bytearray({400 * MEBIBYTE}); time.sleep(30)"]
)
def test_out_of_memory_is_told_from_a_failure(code: str) -> None:
    with pytest.raises(DidNotFinish, match="out of memory"):
        measure(python(code), most_bytes=200 * MEBIBYTE)


def test_what_ran_out_of_memory_is_told() -> None:
    said = "Error in model a_large_one\n  Out of Memory Error: could not allocate block (1.8 GiB used)\n\n  Solutions:"
    ours = attempt(lambda: measure(python(f"raise SystemExit({said!r})")))
    assert ours == Unfinished(
        "out of memory", "Error in model a_large_one Out of Memory Error: could not allocate block (1.8 GiB used)"
    )


def test_a_failure_is_raised_with_the_last_words() -> None:
    with pytest.raises(RuntimeError, match="rows differ") as caught:
        measure(python("raise ValueError('rows differ')"))
    assert not isinstance(caught.value, DidNotFinish)


def test_a_stopped_benchmark_goes_on_where_it_stopped(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    first, second = counted_step("first", ran), counted_step("second", ran)
    run_steps([first], [1_000], tmp_path / "work", [], quiet())
    with (tmp_path / "work" / RESULTS).open("a") as lines:
        lines.write('{"step": "second", "size": 1000, "parts": []}\n')  # by an older benchmark
        lines.write('{"step": "second", "si')  # killed while it wrote
    outcome = run_steps([first, second], [1_000, 2_000], tmp_path / "work", [], quiet())
    assert ran.read_text().splitlines() == ["first 1000", "second 1000", "first 2000", "second 2000"]
    assert [each.key for each in outcome.results] == [
        ("first", 1_000),
        ("second", 1_000),
        ("first", 2_000),
        ("second", 2_000),
    ]


def test_again_measures_what_is_kept(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for _ in range(2):
        run_steps([counted_step("first", ran)], [1_000], tmp_path / "work", [], quiet(), again=True)
    assert len(ran.read_text().splitlines()) == 2
    assert len(read_lines(tmp_path / "work" / RESULTS)) == 1


def test_a_step_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    said = io.StringIO()
    steps = [counted_step("first", ran, fails=True), counted_step("second", ran)]
    outcome = run_steps(steps, [1_000], tmp_path / "work", [], Console(file=said, width=200))
    assert [each.step for each in outcome.results] == ["second"]
    assert outcome.exit_code == 1
    assert "rows differ" in said.getvalue()


def test_a_step_tells_how_long_it_took_at_the_size_nearest_to_this_one(tmp_path: Path) -> None:
    said = io.StringIO()
    kept = Result("first", 1_000, "2026-11-22", MACHINE, "code", 3_600.0, ())
    step = counted_step("first", tmp_path / "ran")
    run_steps([step], [2_000], tmp_path / "work", [kept], Console(file=said, width=200))
    assert "took 3,600 s at 1k" in said.getvalue()


def test_working_folders_are_removed_unless_kept(tmp_path: Path) -> None:
    run_steps([counted_step("first", tmp_path / "ran")], [1_000], tmp_path / "work", [], quiet())
    assert [file.name for file in (tmp_path / "work").iterdir()] == [RESULTS]
    run_steps([counted_step("first", tmp_path / "ran")], [2_000], tmp_path / "work", [], quiet(), keep=True)
    assert (tmp_path / "work" / "first-2k" / "made").exists()


def test_a_part_a_fifth_slower_against_its_own_floor_is_said() -> None:
    accepted = [result(part(ours=1.5), part("Parquet", ours=1.5))]
    on_a_machine_half_as_fast = result(part(ours=3.0, floor=2.0), part("Parquet", ours=4.0, floor=2.0))
    assert [each.part.part for each in slower(on_a_machine_half_as_fast, accepted)] == ["Parquet"]


def test_a_part_is_held_against_figures_of_its_own_size_only() -> None:
    assert not slower(result(part(size=2_000, ours=9.0)), [result(part())])


def test_a_part_that_no_longer_finishes_is_said() -> None:
    [found] = slower(result(replace(part(), ours=Unfinished("out of memory"))), [result(part())])
    assert "out of memory; it finished" in str(found)


def test_slower_parts_change_the_exit_code(tmp_path: Path) -> None:
    def run(_: Path, size: int, say: Say) -> list[Comparison]:
        say("measuring")
        return [part(size=size, ours=2.0)]

    outcome = run_steps([Step("landing", "Landing", "it", run)], [1_000], tmp_path, [result(part())], quiet())
    assert outcome.exit_code == 1


def test_a_linear_part_has_exponent_one_and_a_quadratic_one_two() -> None:
    sizes = (1e6, 1e7, 1e8)
    assert exponent(sizes, [2e-6 * size for size in sizes]) == pytest.approx(1)
    assert exponent(sizes, [3e-12 * size**2 for size in sizes]) == pytest.approx(2)
    assert exponent(sizes, [5.0, 5.0, 5.0]) == pytest.approx(0)


def test_growth_of_the_floor_stands_only_where_the_floor_finished_everywhere() -> None:
    parts = [part(size=1_000), part(size=10_000, ours=10.0, floor=None), part("Parquet", size=1_000)]
    [growth] = growths(parts)
    assert growth.exponent == pytest.approx(1)
    assert growth.floor_exponent is None


def test_finishing_where_the_floor_runs_out_of_memory_meets_the_aim() -> None:
    assert replace(part(), floor=Unfinished("out of memory")).is_met
    assert not replace(part(), ours=Unfinished("out of memory")).is_met
    assert part(ours=1.5).is_met
    assert not part(ours=1.51).is_met


def test_accepted_figures_take_the_place_of_their_own_step_and_size(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    small, large = result(part()), result(part(size=2_000, floor=None))
    accept([large, small], ["landing"], file)
    newer = result(replace(part(ours=7.0), note="by night", rows=5, against="COPY"))
    assert accept([newer], ["landing"], file) == [newer, large]
    assert read_figures(file) == [newer, large]


def test_the_page_holds_the_accepted_figures(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    unfinished = replace(part("pandas"), floor=Unfinished("out of memory"))
    write_page([result(part(ours=3.0), unfinished), result(part(size=10_000, ours=40.0))], load_steps(), page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "3.00" in text
    assert "≤ 1.5, not met" in text
    assert "out of memory" in text
    assert "1.12" in text  # log10(40 / 3)
    glance = text.partition("### At a glance")[2].partition("###")[0]
    assert "| Landing | CSV | its floor | 10k | 40.0 | ≤ 1.5, not met |" in glance, "each aim at its largest size"
    assert glance.count("| Landing |") == 2


def test_the_page_in_the_repository_says_what_the_kept_figures_say() -> None:
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == section(read_figures(), load_steps()).strip()


@pytest.mark.parametrize("page", [PAGE, PAGE.parent / "zh" / PAGE.name], ids=["English", "Chinese"])
def test_both_pages_say_what_each_step_measures(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [step.name for step in load_steps() if f"\n| `{step.name}` |" not in text] == []


def _tables_of_the_script(file: Path, schema: str, rows: list[int]) -> Path:
    with duckdb.connect(file) as con:
        for table in (*BASE, *TABLES):
            own_schema, _, name = table.rpartition(".")
            con.execute(f"create schema if not exists {own_schema or schema}")
            con.execute(f"create table {own_schema or schema}.{name} as select unnest(?) as value", [rows])
    return file


def test_a_script_with_the_same_rows_in_another_order_is_a_fair_floor(tmp_path: Path) -> None:
    ours = _tables_of_the_script(tmp_path / "ours.duckdb", "marts", [1, 2, 2])
    compare(ours, _tables_of_the_script(tmp_path / "bare.duckdb", "main", [2, 1, 2]))


@pytest.mark.parametrize("rows", [[1, 2], [1, 2, 2, 2], [1, 1, 2], [1, 2, 3]])
def test_a_script_with_other_rows_is_no_floor(tmp_path: Path, rows: list[int]) -> None:
    ours = _tables_of_the_script(tmp_path / "ours.duckdb", "marts", [1, 2, 2])
    with pytest.raises(AssertionError, match="rows differ from the bare script's"):
        compare(ours, _tables_of_the_script(tmp_path / "bare.duckdb", "main", rows))


def test_sizes_are_read_as_people_write_them() -> None:
    assert [read_size(text) for text in ("1m", "250k", "1_000_000", "10M")] == [
        1_000_000,
        250_000,
        1_000_000,
        10_000_000,
    ]
    for text in ("many", "1g", "10"):
        with pytest.raises(ValueError, match="orders"):
            read_size(text)


def test_empty_project_has_the_models_tests_and_dependencies_of_the_one_it_is_like(tmp_path: Path) -> None:
    def node(kind: str, name: str, folder: str, reads: list[str], materialized: str = "test") -> dict[str, object]:
        depends_on = {"nodes": [f"model.shop.{other}" for other in reads]}
        config = {"materialized": materialized}
        return {
            "resource_type": kind,
            "name": name,
            "fqn": ["shop", folder],
            "depends_on": depends_on,
            "config": config,
        }

    nodes = [
        node("model", "stg_orders", "staging", [], "view"),
        node("model", "customers", "marts", ["stg_orders"], "incremental"),
        node("test", "customers_have_ids", "marts", ["customers"]),
        node("test", "orders_have_customers", "marts", ["stg_orders", "customers"]),
        node("seed", "regions", "marts", []),
    ]
    generate_empty(tmp_path, {"nodes": dict(enumerate(nodes))}, first="staging", ops=3)
    environment = {"PATH": os.environ["PATH"], "EMPTY_WAREHOUSE": str(tmp_path / "warehouse.duckdb")}
    place = ["--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path)]
    listed = subprocess.run(
        [dbt_executable().with_name("dbt"), "--quiet", "ls", *place, "--output", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {each["name"]: each for each in map(json.loads, listed.stdout.splitlines())}
    assert sorted(each["resource_type"] for each in found.values()) == ["model", "model", "test", "test"]
    assert found["stg_orders"]["config"]["materialized"] == "view"
    assert found["customers"]["depends_on"]["nodes"] == ["model.empty_project.stg_orders"]
    assert (tmp_path / "models" / "first" / "stg_orders.sql").exists()


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history") / "inbox"
    History(20_000).write_years(folder)
    History(20_000).write_next_day(folder)
    return folder


def test_a_generated_history_has_the_same_rows_on_every_machine(inbox: Path) -> None:
    """The number was noted when the generator was written: figures of other rows are no longer comparable."""
    with duckdb.connect() as con:
        [(rows, digest)] = con.execute(
            "select count(*), bit_xor(hash(id, customer, epoch_us(placed_at), state, total, discount, cost, channel, "
            f"province, epoch_us(changed_at))) from read_parquet('{inbox}/orders-*.parquet')"
        ).fetchall()
    assert (rows, digest) == (21_271, 3378012004833082894)


def test_the_warehouse_of_a_generated_company_is_of_this_version(tmp_path: Path) -> None:
    with duckdb.connect(str(prepare(tmp_path, 10).warehouse)) as con:
        assert noted_version(con) == version_now()


def test_a_generated_history_is_as_in_life(inbox: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"create view orders as from read_parquet('{inbox}/orders-20??.parquet', filename = true)")
        [(numbers, twice, corrected, late)] = con.execute(
            """
            select
                count(distinct id),
                (select count(*) from (from orders group by all having count(*) > 1)),
                (select count(*) from (select id from orders group by id having count(distinct total) > 1)),
                count(distinct id) filter (placed_at + interval 1 day <= changed_at and placed_at >= '2021-01-31')
            from orders
            """
        ).fetchall()
        [(largest_tenth,)] = con.execute(
            """
            select sum(orders) filter (place <= 0.1) / sum(orders)
            from (
                select count(distinct id) as orders, percent_rank() over (order by count(distinct id) desc) as place
                from orders
                group by customer
            )
            """
        ).fetchall()
        [(refunds,)] = con.execute(f"select count(*) from read_parquet('{inbox}/refunds-*.parquet')").fetchall()
        [(days, reaching_back)] = con.execute(
            f"""
            select count(distinct date_trunc('day', placed_at)), count(*) filter (placed_at < '2024-12-01')
            from read_parquet('{inbox}/orders-2025-01-01.parquet')
            """
        ).fetchall()
    assert numbers == 20_000
    assert twice == pytest.approx(20, rel=0.5)
    assert corrected == pytest.approx(200, rel=0.1)
    assert late == pytest.approx(600 + 200, rel=0.2)
    assert refunds == pytest.approx(20_000 * 0.975 * 0.03, rel=0.15)
    assert largest_tenth > 0.25
    assert days > 60  # of corrections: a thousand of these few orders lie that close together
    assert reaching_back > 100
