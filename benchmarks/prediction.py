"""Purchase and spend models measured: customers fitted and scored in a process of its own, beside lifetimes.

Both fit MBG/NBD and Gamma-Gamma to the same histories and foretell 90 days of every customer. What a run does besides
(proofs at past month ends, corrections of the level) is measured with the whole run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.measuring import attempt, measure
from benchmarks.peers import MOST_BYTES, MOST_SECONDS, script
from benchmarks.steps import ORDERS_A_CUSTOMER, Comparison, Say, Step
from dagster_project.prediction.days import fit_days, score_days

NAME = "prediction"
DAYS = 1_000
SEED = 20260101


def measure_prediction(folder: Path, size: int, say: Say) -> list[Comparison]:
    """As many customers as `size` orders have, fitted and scored once."""
    customers = size // ORDERS_A_CUSTOMER
    say(f"generating the histories of {customers:,} customers")
    histories = folder / "histories.npy"
    np.save(histories, generate(customers))
    say("ours")
    ours = measure([sys.executable, "-m", "benchmarks.prediction", str(histories)])
    say("lifetimes")
    words = script("fit_with_lifetimes", histories)
    theirs = attempt(lambda: measure(words, most_bytes=MOST_BYTES, most_seconds=MOST_SECONDS))
    return [Comparison(NAME, "fit and score one day", size, ours, theirs, rows=customers)]


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
        con.register("fits", fit_days(con.table("plans"), con.table("histories")))
        scores = score_days(con.table("plans"), con.table("fits"), con.table("measured"))
    if not scores.num_rows or not np.isfinite(scores["purchases_90d"].to_numpy()).all():
        raise RuntimeError("a prediction is missing or not finite")


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


STEP = Step(
    name=NAME,
    title="Purchase and spend models",
    floor="lifetimes, the same models fitted to the same histories and the same customers scored",
    measure=measure_prediction,
)

if __name__ == "__main__":
    ours(np.load(Path(sys.argv[1])))
