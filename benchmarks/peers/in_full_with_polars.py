"""All that our two models measure and score of a customer, in polars, for each of the days.

python in_full_with_polars.py ORDERS.parquet MEASURES.parquet DAY...
"""

import sys
from datetime import date, timedelta

import polars as pl

CENTS = ["gross_amount", "discount_amount", "discounted_gross_amount", "cost_amount"]
SEGMENTS = {
    "hibernating": [(1, 1), (1, 2), (2, 1), (2, 2)],
    "at_risk": [(1, 3), (1, 4), (2, 3), (2, 4)],
    "cannot_lose": [(1, 5), (2, 5)],
    "about_to_sleep": [(3, 1), (3, 2)],
    "need_attention": [(3, 3)],
    "loyal": [(3, 4), (3, 5), (4, 4), (4, 5)],
    "promising": [(4, 1)],
    "new_customers": [(5, 1)],
    "potential_loyalist": [(4, 2), (4, 3), (5, 2), (5, 3)],
    "champions": [(5, 4), (5, 5)],
}
CELLS = {10 * r + f: segment for segment, cells in SEGMENTS.items() for r, f in cells}


def main(orders: str, output: str, *days: str) -> None:
    customer_days = days_of_customers(orders)
    pl.concat([on_day(customer_days, date.fromisoformat(day)) for day in days]).write_parquet(output)


def days_of_customers(orders: str) -> pl.DataFrame:
    """A row a customer and day with orders, and the days since the last one."""
    gross, discount = pl.col("gross_amount"), pl.col("discount_amount")
    days = (
        pl.scan_parquet(orders)
        .filter(pl.col("status") == "completed")
        .with_columns(discounted_gross_amount=pl.when(discount > 0).then(gross).otherwise(0))
        .group_by("customer_id", business_day=pl.col("ordered_at").dt.date())
        .agg(pl.len().cast(pl.Int64).alias("order_count"), pl.col(CENTS).sum())
        .sort("customer_id", "business_day")
        .collect(engine="streaming")
    )
    return days.with_columns(
        revenue=gross - discount,
        gap_days=pl.when(pl.col("customer_id") == pl.col("customer_id").shift()).then(
            (pl.col("business_day") - pl.col("business_day").shift()).dt.total_days()
        ),
    )


def on_day(customer_days: pl.DataFrame, day: date) -> pl.DataFrame:
    """A row a customer who has bought by the day."""
    measured = measured_on(customer_days, day)
    window = measured.filter(pl.col("order_count_window") > 0)
    values = {"r": -pl.col("recency_days"), "f": pl.col("order_count_window"), "m": pl.col("revenue_window")}
    scores, highs = [], {}
    for letter, value in values.items():
        ranked = window.select(value).to_series().sort()
        # The smallest value with at least k fifths of the customers at or below it.
        cuts = [ranked[-(-number * len(ranked) // 5) - 1] for number in (1, 2, 3, 4)]
        scores.append(pl.sum_horizontal([1, *(value > cut for cut in cuts)]).cast(pl.Int32).alias(f"{letter}_score"))
        highs[letter] = value * len(ranked) >= ranked.sum()
    r, f, m = (pl.col(f"{letter}_score") for letter in "rfm")
    scored = (
        window.select("customer_id", *scores, *(high.alias(f"{letter}_high") for letter, high in highs.items()))
        .with_columns(
            rfm_score=r + f + m,
            rfm_cell=pl.concat_str(r, f, m),
            rfm_segment=(10 * r + f).replace_strict(CELLS, return_dtype=pl.String),
            rfm_type=pl.when("m_high").then(pl.lit("important_")).otherwise(pl.lit("general_"))
            + pl.when(pl.col("r_high") & pl.col("f_high"))
            .then(pl.lit("value"))
            .when("r_high")
            .then(pl.lit("develop"))
            .when("f_high")
            .then(pl.lit("keep"))
            .otherwise(pl.lit("winback")),
            rfm_reason=pl.lit("scored_by_quantile"),
        )
        .drop("r_high", "f_high", "m_high")
    )
    return measured.join(scored, on="customer_id", how="left").with_columns(
        pl.col("rfm_segment", "rfm_type").fill_null("out_of_window"),
        pl.col("rfm_reason").fill_null("no_order_in_window"),
    )


def measured_on(customer_days: pl.DataFrame, day: date) -> pl.DataFrame:
    business_day, count, revenue = pl.col("business_day"), pl.col("order_count"), pl.col("revenue")
    gross, discount, cost = pl.col("gross_amount"), pl.col("discount_amount"), pl.col("cost_amount")
    in_window, in_90_days = business_day > day - timedelta(365), business_day > day - timedelta(90)
    in_prior_90_days = (business_day > day - timedelta(180)) & ~in_90_days
    totals = (
        customer_days.lazy()
        .filter(business_day <= day)
        .group_by("customer_id")
        .agg(
            first_order_on=business_day.min(),
            last_order_on=business_day.max(),
            order_count=count.sum(),
            order_days=pl.len(),
            paid_order_days=(gross > discount).sum(),
            revenue=revenue.sum(),
            margin=(revenue - cost).sum(),
            median_gap_days=pl.col("gap_days").median(),
            longest_gap_closed_days=pl.when(business_day > day - timedelta(30)).then(pl.col("gap_days")).max(),
            gross_amount=gross.sum(),
            discounted_gross_amount=pl.col("discounted_gross_amount").sum(),
            order_count_window=(count * in_window).sum(),
            order_days_window=in_window.sum(),
            gross_amount_window=(gross * in_window).sum(),
            discount_amount_window=(discount * in_window).sum(),
            revenue_window=(revenue * in_window).sum(),
            margin_window=((revenue - cost) * in_window).sum(),
            order_count_90d=(count * in_90_days).sum(),
            order_days_90d=in_90_days.sum(),
            revenue_90d=(revenue * in_90_days).sum(),
            order_count_prior_90d=(count * in_prior_90_days).sum(),
            revenue_prior_90d=(revenue * in_prior_90_days).sum(),
        )
    )
    gross_window, discount_window = pl.col("gross_amount_window"), pl.col("discount_amount_window")
    return (
        totals.with_columns(
            as_of_date=pl.lit(day),
            recency_days=(pl.lit(day) - pl.col("last_order_on")).dt.total_days(),
            tenure_days=(pl.lit(day) - pl.col("first_order_on")).dt.total_days(),
            average_order_value=(pl.col("revenue") / 100 / pl.col("order_count")).round(6),
            discount_share=pl.when(gross_window > 0).then((discount_window / gross_window).round(6)),
        )
        .drop("gross_amount_window", "discount_amount_window")
        .collect(engine="streaming")
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
