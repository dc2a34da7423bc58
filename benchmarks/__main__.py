"""`make bench`: one snapshot and 48 month ends of generated orders, against a bare DuckDB script.

Prints tables and writes them to docs/benchmarks.md. 100 million orders need about 40 GB of disk: ask for them.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.company import BASE_MODELS, LAST_DAY, Company, generate
from benchmarks.measuring import Measured, measure
from dagster_project.settings.paths import PROJECT_ROOT
from dagster_project.warehouse.run_window import month_ends_between

FIGURES = PROJECT_ROOT / "docs" / "benchmarks.md"
STAGING = "customer_strata.staging"
LISTS = "tag:list"
FEW_ORDERS = 100  # of the company on which dbt itself is measured
COMPARED = {
    **{
        f"customer_{name}": ("as_of_date", "customer_id")
        for name in ("segments", "features", "rfm", "lifecycle", "value", "needs", "behaviours")
    },
    "customer_matrices": ("as_of_date", "customer_id", "matrix"),
}
SINGLE_RUNS = 3


@dataclass(frozen=True)
class Figures:
    """What was measured for one number of orders."""

    orders: int
    customers: int
    dbt_alone: Measured
    snapshot: Measured
    bare_snapshot: Measured
    range_run: Measured
    bare_range: Measured
    single_run_seconds: float
    range_rows: int
    days: int

    @property
    def snapshot_ratio(self) -> float:
        """dbt's time for a snapshot beyond what the same nodes take without data, over the bare script's."""
        return (self.snapshot.seconds - self.dbt_alone.seconds) / self.bare_snapshot.seconds

    @property
    def range_ratio(self) -> float:
        return self.range_run.seconds / self.bare_range.seconds

    @property
    def singles_ratio(self) -> float:
        return self.single_run_seconds * self.days / self.range_run.seconds

    @property
    def bare_singles_ratio(self) -> float:
        """What a range gains where no dbt has to start: the script reads history once and writes the same rows."""
        return self.bare_snapshot.seconds * self.days / self.bare_range.seconds


def main(
    orders: Annotated[list[int] | None, typer.Option(help="Number of orders; may be given several times.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where to work; a temporary folder by default.")] = None,
) -> None:
    """Measure, compare every row with the bare script's, print, and write docs/benchmarks.md."""
    console = Console(width=120)
    figures = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for number in orders or [1_000_000, 10_000_000]:
        work = Path(tempfile.mkdtemp(prefix="strata-bench-", dir=folder))
        try:
            figures.append(_measure(console, work, number))
        finally:
            shutil.rmtree(work)
        FIGURES.write_text(_page(figures), encoding="utf-8")
    console.print(_table(figures))
    console.print(f"Written to {FIGURES.relative_to(PROJECT_ROOT)}")


def _measure(console: Console, folder: Path, orders: int) -> Figures:
    with console.status(f"{orders:,} orders: generating and staging"):
        company = generate(folder, orders)
    console.print(f"{orders:,} orders staged")

    def built(days: list[date], of: Company = company) -> Measured:
        of.control(days)
        return of.dbt(exclude=(STAGING, LISTS, *BASE_MODELS))

    def bare(days: list[date]) -> Measured:
        words = [str(company.warehouse), str(folder / "bare.duckdb"), *map(str, days)]
        return measure([sys.executable, "-m", "benchmarks.bare", *words])

    dbt_alone = built([LAST_DAY], generate(folder / "few", FEW_ORDERS))
    with console.status("month ends, in one run"):
        days = month_ends_between(date(LAST_DAY.year - 3, 1, 1), LAST_DAY)
        range_run = built(days)
        rows = _rows(company.warehouse)
        bare_range = bare(days)
        _compare(company.warehouse, folder / "bare.duckdb", days)
    console.print(
        f"{len(days)} month ends: {range_run.seconds:.1f} s, bare {bare_range.seconds:.1f} s; every row is equal"
    )
    with console.status("single runs"):
        singles = [built([day]) for day in days[-SINGLE_RUNS:]]
        bare_snapshot = bare(days[-1:])
        _compare(company.warehouse, folder / "bare.duckdb", days[-1:])
    with company.connect() as con:
        [(customers,)] = con.execute("select count(*) from marts.dim_customers").fetchall()
    return Figures(
        orders=orders,
        customers=customers,
        dbt_alone=dbt_alone,
        snapshot=singles[-1],
        bare_snapshot=bare_snapshot,
        range_run=range_run,
        bare_range=bare_range,
        single_run_seconds=sum(single.seconds for single in singles) / len(singles),
        range_rows=rows,
        days=len(days),
    )


def _rows(warehouse: Path) -> int:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [(rows,)] = con.execute("select count(*) from marts.customer_segments").fetchall()
    return int(rows)


def _compare(warehouse: Path, bare: Path, days: list[date]) -> None:
    """Raise unless both files hold the same rows of `days`, value by value. A day at a time needs less memory."""
    with duckdb.connect() as con:
        con.execute(f"attach '{warehouse}' as ours (read_only)")
        con.execute(f"attach '{bare}' as bare (read_only)")
        for table, key in COMPARED.items():
            columns = ", ".join(
                name
                for (name,) in con.execute(
                    "select column_name from duckdb_columns() where database_name = 'bare' and table_name = ?", [table]
                ).fetchall()
            )
            for day in days:
                ours = f"select {columns} from ours.marts.{table} where as_of_date = date '{day}'"
                theirs = f"select {columns} from bare.{table} where as_of_date = date '{day}'"
                different = f"(({ours}) except all ({theirs})) union all (({theirs}) except all ({ours}))"
                [(rows,)] = con.execute(f"select count(*) from ({different})").fetchall()
                if rows:
                    shown = con.execute(f"{different} order by {', '.join(key)} limit 2").fetchall()
                    raise AssertionError(
                        f"{table} on {day}: {rows} rows differ from the bare script's, such as {shown}"
                    )
            [(others,)] = con.execute(
                f"select count(*) from bare.{table} where not list_contains(?, as_of_date)", [days]
            ).fetchall()
            if others:
                raise AssertionError(f"{table}: the bare script wrote {others} rows of days that were not asked for")


_COLUMNS = (
    "orders",
    "customers",
    "dbt alone",
    "snapshot",
    "bare",
    "ratio",
    "month ends",
    "bare",
    "ratio",
    "single runs / range",
    "the same, bare",
    "rows/s",
    "peak memory",
)


def _cells(figure: Figures) -> list[str]:
    peak = max(figure.snapshot.peak_bytes, figure.range_run.peak_bytes)
    return [
        f"{figure.orders:,}",
        f"{figure.customers:,}",
        f"{figure.dbt_alone.seconds:.1f} s",
        f"{figure.snapshot.seconds:.1f} s",
        f"{figure.bare_snapshot.seconds:.1f} s",
        f"{figure.snapshot_ratio:.1f}",
        f"{figure.range_run.seconds:.1f} s",
        f"{figure.bare_range.seconds:.1f} s",
        f"{figure.range_ratio:.1f}",
        f"{figure.singles_ratio:.1f}",
        f"{figure.bare_singles_ratio:.1f}",
        f"{figure.range_rows / figure.range_run.seconds:,.0f}",
        f"{peak / 2**30:.1f} GiB",
    ]


def _table(figures: list[Figures]) -> Table:
    table = Table(title="Against bare DuckDB")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for figure in figures:
        table.add_row(*_cells(figure))
    return table


def _page(figures: list[Figures]) -> str:
    rows = "\n".join(f"| {' | '.join(_cells(figure))} |" for figure in figures)
    return f"""# Benchmarks

The figures of the last `make bench`, on {platform.machine()} with Python {platform.python_version()} and DuckDB
{duckdb.__version__}. Times of a machine say little about another one: read the ratios, which are of one run.

| {" | ".join(_COLUMNS)} |
|{" ---: |" * len(_COLUMNS)}
{rows}

- **snapshot**: one more day, with every table of the segments and their checks, as a daily run builds it once orders
  are staged. Its ratio is (snapshot − dbt alone) / bare; *dbt alone* is the same
  invocation for a company of {FEW_ORDERS} orders: the same models and tests, next to no rows.
- **bare**: `benchmarks/snapshot.sql`, the shortest script that starts at the same tables and writes the same rows
  of the eight tables that hold a row a customer. Every row is compared, value by value. The product writes the other
  tables besides: scores, cuts, summaries, movement against the last month end, history, silent customers.
- **month ends**: the last 48, in one run; *single runs / range* compares with 48 runs of one month end each
  ({SINGLE_RUNS} of them measured). *The same, bare* is what the script gains by a range: where that is little, writing
  the rows is all the work there is, and the rest of the gain is dbt that starts once.
- The purchase models are switched off here, because the script does not foretell.
- **rows/s**: rows of `customer_segments` a second of the range run. **peak memory**: of the larger of the two runs.
"""


if __name__ == "__main__":
    typer.run(main)
