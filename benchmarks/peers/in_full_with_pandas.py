"""All that our two models measure and score of a customer, in pandas, for each of the days.

python in_full_with_pandas.py ORDERS.parquet MEASURES.parquet DAY...
"""

import sys

import numpy as np
import pandas as pd

READ = ["customer_id", "ordered_at", "status", "gross_amount", "discount_amount", "cost_amount"]
SEGMENTS = [  # by recency score, then by frequency score
    ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"],
    ["hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"],
    ["about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"],
    ["promising", "potential_loyalist", "potential_loyalist", "loyal", "loyal"],
    ["new_customers", "potential_loyalist", "potential_loyalist", "champions", "champions"],
]


def main(orders: str, output: str, *days: str) -> None:
    customer_days = days_of_customers(orders)
    pd.concat([on_day(customer_days, pd.Timestamp(day)) for day in days]).to_parquet(output)


def days_of_customers(orders: str) -> pd.DataFrame:
    """A row a customer and day with orders, and the days since the last one."""
    rows = pd.read_parquet(orders, columns=READ)
    rows = rows[rows["status"] == "completed"]
    days = (
        rows.assign(
            customer_id=rows["customer_id"].astype("category"),
            business_day=rows["ordered_at"].dt.normalize(),
            discounted_gross_amount=rows["gross_amount"].where(rows["discount_amount"] > 0, 0),
        )
        .groupby(["customer_id", "business_day"], observed=True)
        .agg(
            order_count=("gross_amount", "size"),
            gross_amount=("gross_amount", "sum"),
            discount_amount=("discount_amount", "sum"),
            discounted_gross_amount=("discounted_gross_amount", "sum"),
            cost_amount=("cost_amount", "sum"),
        )
        .reset_index()
    )
    same_customer = days["customer_id"].cat.codes.diff() == 0
    days["gap_days"] = days["business_day"].diff().dt.days.where(same_customer)
    days["revenue"] = days["gross_amount"] - days["discount_amount"]
    return days


def on_day(customer_days: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """A row a customer who has bought by the day."""
    measured = measured_on(customer_days, day)
    is_scored = measured["order_count_window"] > 0
    values = {
        "r": -measured["recency_days"].to_numpy(),
        "f": measured["order_count_window"].to_numpy(),
        "m": measured["revenue_window"].to_numpy(),
    }
    scores, highs = {}, {}
    for letter, value in values.items():
        ranked = np.sort(value[is_scored])
        # The smallest value with at least k fifths of the customers at or below it.
        cuts = [ranked[-(-number * len(ranked) // 5) - 1] for number in (1, 2, 3, 4)]
        scores[letter] = 1 + np.searchsorted(cuts, value, side="left")
        highs[letter] = value * len(ranked) >= ranked.sum()
    r, f, m = scores.values()
    kept = np.where(highs["f"], "keep", "winback")
    recent = np.where(highs["f"], "value", "develop")
    types = np.where(highs["m"], "important_", "general_").astype(object) + np.where(highs["r"], recent, kept)
    return measured.assign(
        r_score=pd.Series(r, measured.index).where(is_scored),
        f_score=pd.Series(f, measured.index).where(is_scored),
        m_score=pd.Series(m, measured.index).where(is_scored),
        rfm_score=pd.Series(r + f + m, measured.index).where(is_scored),
        rfm_cell=pd.Series(100 * r + 10 * f + m, measured.index).astype(str).where(is_scored),
        rfm_segment=np.where(is_scored, np.array(SEGMENTS)[r - 1, f - 1], "out_of_window"),
        rfm_type=np.where(is_scored, types, "out_of_window"),
        rfm_reason=np.where(is_scored, "scored_by_quantile", "no_order_in_window"),
    )


def measured_on(customer_days: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    past = customer_days[customer_days["business_day"] <= day]
    age = (day - past["business_day"]).dt.days
    in_window, in_90_days, in_prior_90_days = age < 365, age < 90, (age >= 90) & (age < 180)
    margin = past["revenue"] - past["cost_amount"]
    grouped = past.assign(
        is_paid=past["gross_amount"] > past["discount_amount"],
        margin=margin,
        closed_gap_days=past["gap_days"].where(age < 30),
        order_count_window=past["order_count"] * in_window,
        is_in_window=in_window,
        gross_amount_window=past["gross_amount"] * in_window,
        discount_amount_window=past["discount_amount"] * in_window,
        revenue_window=past["revenue"] * in_window,
        margin_window=margin * in_window,
        order_count_90d=past["order_count"] * in_90_days,
        is_in_90_days=in_90_days,
        revenue_90d=past["revenue"] * in_90_days,
        order_count_prior_90d=past["order_count"] * in_prior_90_days,
        revenue_prior_90d=past["revenue"] * in_prior_90_days,
    ).groupby("customer_id", observed=True)
    measured = grouped.agg(
        first_order_on=("business_day", "first"),
        last_order_on=("business_day", "last"),
        order_count=("order_count", "sum"),
        order_days=("order_count", "size"),
        paid_order_days=("is_paid", "sum"),
        revenue=("revenue", "sum"),
        margin=("margin", "sum"),
        median_gap_days=("gap_days", "median"),
        longest_gap_closed_days=("closed_gap_days", "max"),
        gross_amount=("gross_amount", "sum"),
        discounted_gross_amount=("discounted_gross_amount", "sum"),
        order_count_window=("order_count_window", "sum"),
        order_days_window=("is_in_window", "sum"),
        gross_amount_window=("gross_amount_window", "sum"),
        discount_amount_window=("discount_amount_window", "sum"),
        revenue_window=("revenue_window", "sum"),
        margin_window=("margin_window", "sum"),
        order_count_90d=("order_count_90d", "sum"),
        order_days_90d=("is_in_90_days", "sum"),
        revenue_90d=("revenue_90d", "sum"),
        order_count_prior_90d=("order_count_prior_90d", "sum"),
        revenue_prior_90d=("revenue_prior_90d", "sum"),
    ).reset_index()
    gross_window, discount_window = measured.pop("gross_amount_window"), measured.pop("discount_amount_window")
    return measured.assign(
        as_of_date=day,
        customer_id=measured["customer_id"].astype(str),
        recency_days=(day - measured["last_order_on"]).dt.days,
        tenure_days=(day - measured["first_order_on"]).dt.days,
        average_order_value=(measured["revenue"] / 100 / measured["order_count"]).round(6),
        discount_share=(discount_window / gross_window.where(gross_window > 0)).round(6),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
