"""Purchase and spend models measured: a million customers fitted and scored in a process of its own, beside lifetimes.

python -m benchmarks.prediction --customers 1000000

lifetimes is measured where it can be imported, on the same histories: its fit alone, by the same model.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import duckdb
import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.measuring import measure
from dagster_project.prediction.days import fit_days, score_days

DAYS = 1_000
HORIZON = 90.0
SEED = 20260101


def main(
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 1_000_000,
    worker: Annotated[str | None, typer.Option(help="ours or lifetimes: the measured process.")] = None,
    file: Annotated[Path | None, typer.Option(help="Histories that the measured process reads.")] = None,
) -> None:
    """Generate histories, fit and score them as processes of their own, and print."""
    if worker is not None and file is not None:
        {"ours": ours, "lifetimes": lifetimes}[worker](np.load(file))
        return
    table = Table(title="Fit and score by MBG/NBD and Gamma-Gamma")
    for column in ("by", "customers", "whole process", "fitting and scoring", "peak memory"):
        table.add_column(column, justify="left" if column == "by" else "right")
    with tempfile.TemporaryDirectory(prefix="strata-prediction-") as folder:
        histories = Path(folder) / "histories.npy"
        np.save(histories, generate(customers))
        for name in ("ours", *(["lifetimes"] if importlib.util.find_spec("lifetimes") else [])):
            words = [sys.executable, "-m", "benchmarks.prediction", "--worker", name, "--file", str(histories)]
            measured = measure(words)
            seconds = float(histories.with_suffix(".seconds").read_text())
            peak = f"{measured.peak_bytes / 2**30:.2f} GiB"
            table.add_row(name, f"{customers:,}", f"{measured.seconds:.1f} s", f"{seconds:.1f} s", peak)
    Console(width=100).print(table)


def generate(customers: int) -> np.ndarray:
    """Repeats, recency, age in days and revenue of customers who buy and leave as MBG/NBD has it, shape (4, n)."""
    random = np.random.default_rng(SEED)
    rate = random.gamma(0.7, 1 / 25, customers)
    leaving = random.beta(0.8, 2.5, customers)
    age = random.integers(1, DAYS, customers).astype(np.float64)
    survived = random.geometric(np.clip(leaving, 1e-12, 1)) - 1
    by_end = random.poisson(rate * age)
    repeats = np.minimum(by_end, survived)
    last = age * random.beta(np.maximum(repeats, 1), by_end - repeats + 1)
    recency = np.where(repeats > 0, np.floor(np.minimum(last, age)), 0.0)
    mean = 30 / random.gamma(4.0, 0.25, customers)
    revenue = np.round(mean * random.gamma(5.0 * (repeats + 1), 0.2), 2)
    return np.array([repeats.astype(np.float64), recency, age, revenue])


def ours(rows: np.ndarray) -> None:
    """What a run does for one day: fit both models, and score every distinct history."""
    columns = ("repeats", "recency", "age", "revenue")
    with duckdb.connect() as con:
        con.register("rows", pa.table(dict(zip(columns, rows, strict=True))))
        con.execute(f"create table histories as {_HISTORIES}")
        con.execute(f"create table measured as {_MEASURED}")
        con.execute(f"create table plans as {_PLANS}")
        began = time.perf_counter()
        con.register("fits", fit_days(con.table("plans"), con.table("histories")))
        scores = score_days(con.table("plans"), con.table("fits"), con.table("measured"))
        seconds = time.perf_counter() - began
    if not scores.num_rows or not np.isfinite(scores["purchases_90d"].to_numpy()).all():
        raise RuntimeError("a prediction is missing or not finite")
    _note(seconds)


def lifetimes(rows: np.ndarray) -> None:
    """The fit and the scores of the library of that name."""
    import pandas as pd
    from lifetimes import GammaGammaFitter, ModifiedBetaGeoFitter  # type: ignore[import-not-found, unused-ignore]

    began = time.perf_counter()
    repeats, recency, age, revenue = (pd.Series(row) for row in rows)
    purchases = ModifiedBetaGeoFitter()
    purchases.fit(repeats, recency, age)
    spend = GammaGammaFitter()
    spend.fit(repeats + 1, revenue / (repeats + 1))
    purchases.conditional_expected_number_of_purchases_up_to_time(HORIZON, repeats, recency, age)
    purchases.conditional_probability_alive(repeats, recency, age)
    spend.conditional_expected_average_profit(repeats + 1, revenue / (repeats + 1))
    _note(time.perf_counter() - began)


_DAY = "date '2026-01-04' as"
_HISTORIES = f"""
    select
        {_DAY} fitted_on, cast(repeats as integer) as repeats, cast(recency as integer) as recency_days,
        cast(age as integer) as age_days, cast(repeats + 1 as integer) as paid_order_days,
        cast(revenue as decimal(18, 2)) as revenue
    from rows
"""
_MEASURED = f"""
    select
        {_DAY} as_of_date, cast(repeats + 1 as integer) as order_days, cast(age as integer) as tenure_days,
        cast(age - recency as integer) as recency_days
    from rows
"""
_PLANS = f"""
    select
        {_DAY} as_of_date, {_DAY} fitted_on, 'benchmark' as standard_version, 'mbg_nbd' as fitted_model,
        200 as least_buyers, 100 as least_repeat_buyers, 0 as yearly_discount
"""


def _note(seconds: float) -> None:
    """Leave the seconds for the process that started this one."""
    Path(sys.argv[sys.argv.index("--file") + 1]).with_suffix(".seconds").write_text(str(seconds))


if __name__ == "__main__":
    typer.run(main)
