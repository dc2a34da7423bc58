"""What the invented warehouse says of classes over time and money, counted from the temporary table `classified`.

`classified` holds one row a customer and day with a column a dimension, for the stored days and those they are
compared with or judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
from marts_rows import insert
from marts_standard import DIMENSIONS

BREAKDOWNS = {
    "total": "'total'",
    "value_tier": "value_tier",
    "region": "coalesce(region, 'unknown')",
    "channel": "coalesce(top_channel, 'unknown')",
    "industry": "coalesce(industry, 'unknown')",
    "owner": "coalesce(owner, 'unknown')",
}
BACKTEST_HORIZON = timedelta(days=90)


def summarise(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """segment_summary: every dimension, in all and within each breakdown."""
    for dimension in DIMENSIONS:
        for breakdown, breakdown_class in BREAKDOWNS.items():
            con.execute(
                f"""
                insert into marts.segment_summary
                select as_of_date, standard_version, '{dimension}', {dimension},
                    (select label_en from control.labels as l where l.dimension = '{dimension}' and code = {dimension}),
                    '{breakdown}', {breakdown_class}, count(*), round(count(*) / sum(count(*)) over (), 6),
                    sum(revenue_window), round(sum(revenue_window) / nullif(sum(sum(revenue_window)) over (), 0), 6)
                from classified where as_of_date = ? group by all
                """,
                [day],
            )


def compare(con: duckdb.DuckDBPyConnection, day: date, compared_on: date) -> None:
    """segment_migration and segment_stability of `day` against `compared_on`."""
    for dimension in DIMENSIONS:
        con.execute(
            f"""
            insert into marts.segment_migration
            with moves as (
                select
                    coalesce(a.{dimension}, 'absent') as class_from, coalesce(b.{dimension}, 'absent') as class_to,
                    coalesce(b.revenue_window, 0) as revenue_window
                from (from classified where as_of_date = $compared_on) as a
                full join (from classified where as_of_date = $day) as b using (customer_id)
            )
            select $day, $compared_on, any_value(s.standard_version), '{dimension}', m.class_from,
                any_value(f.label_en), m.class_to, any_value(t.label_en), count(*), sum(m.revenue_window), false
            from moves as m
            cross join control.standards as s
            left join control.labels as f on f.dimension = '{dimension}' and f.code = m.class_from
            left join control.labels as t on t.dimension = '{dimension}' and t.code = m.class_to
            group by m.class_from, m.class_to order by m.class_from, m.class_to
            """,
            {"day": day, "compared_on": compared_on},
        )
        con.execute(
            f"""
            insert into marts.segment_stability
            with shares as (
                select {dimension} as class,
                    greatest(0.0001, count(*) filter (as_of_date = $compared_on)
                        / sum(count(*) filter (as_of_date = $compared_on)) over ()) as before,
                    greatest(0.0001, count(*) filter (as_of_date = $day)
                        / sum(count(*) filter (as_of_date = $day)) over ()) as now
                from classified where as_of_date in ($day, $compared_on) group by 1
            ),
            indexed as (select round(sum((now - before) * ln(now / before)), 6) as stability_index from shares)
            select $day, $compared_on, standard_version, '{dimension}', stability_index,
                case when stability_index >= stability_fail then 'fail'
                    when stability_index >= stability_warn then 'warn' else 'steady' end, false
            from indexed cross join control.standards
            """,
            {"day": day, "compared_on": compared_on},
        )


def backtest(
    con: duckdb.DuckDBPyConnection, day: date, snapshots: Sequence[date], orders: dict[int, list[date]]
) -> None:
    """classification_backtest of `day`: what the classes of each snapshot bought in the 90 days after it."""
    con.execute("create or replace temp table later (customer_id bigint, ordered_on date)")
    insert(con, "later", ((customer, on) for customer, listed in orders.items() for on in listed))
    for snapshot in snapshots:
        for dimension in DIMENSIONS:
            con.execute(
                f"""
                insert into marts.classification_backtest
                with bought as (
                    select c.customer_id, c.{dimension} as class, count(l.ordered_on) as orders,
                        count(l.ordered_on) * coalesce(any_value(c.average_order_value), 0) as revenue
                    from classified as c
                    left join later as l
                        on c.customer_id = l.customer_id and l.ordered_on > $snapshot and l.ordered_on <= $until
                    where c.as_of_date = $snapshot group by 1, 2
                )
                select $day, $snapshot, (select any_value(standard_version) from control.standards), '{dimension}',
                    class, count(*), count(*) filter (orders > 0), round(count(*) filter (orders > 0) / count(*), 6),
                    sum(revenue), round(sum(revenue) / nullif(sum(sum(revenue)) over (), 0), 6),
                    case '{dimension}' when 'value_tier' then 0.712345 when 'lifecycle_stage' then 0.543210 end
                from bought group by class
                """,
                {"day": day, "snapshot": snapshot, "until": snapshot + BACKTEST_HORIZON},
            )


def allocate(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """resource_allocation of `day`, for every dimension that has plans."""
    con.execute(
        """
        insert into marts.resource_allocation
        with spent as (
            select s.*, p.budget_share, cast(p.budget_share * b.budget as decimal(18, 2)) as budget_amount
            from marts.segment_summary as s
            join control.plans as p on p.dimension = s.dimension and p.class = s.class
            cross join control.budget as b
            where s.as_of_date = ? and s.breakdown = 'total'
        )
        select as_of_date, standard_version, dimension, class, class_label, customers, budget_share, budget_amount,
            round(budget_amount / customers, 6), revenue_window, revenue_share, round(revenue_window / customers, 6),
            round(budget_amount / nullif(revenue_window, 0), 6)
        from spent
        """,
        [day],
    )


def remember(con: duckdb.DuckDBPyConnection) -> None:
    """segment_history over the stored days: each class with its first and last day, open while it lasts."""
    for dimension in DIMENSIONS:
        con.execute(
            f"""
            insert into marts.segment_history
            with marked as (
                select customer_id, as_of_date, standard_version, {dimension} as class,
                    coalesce(class != lag({dimension}) over days, true) as is_new
                from classified where as_of_date in (select as_of_date from control.as_of_days)
                window days as (partition by customer_id order by as_of_date)
            )
            select customer_id, '{dimension}', class, as_of_date,
                cast(lead(as_of_date) over (partition by customer_id order by as_of_date) - 1 as date), standard_version
            from marked where is_new
            """
        )


def explain(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """customer_reasons of `day` for two dimensions: what was measured and the cut it met."""
    con.execute(
        """
        insert into marts.customer_reasons
        select as_of_date, customer_id, standard_version, 'lifecycle_stage', lifecycle_stage, lifecycle_reason,
            'recency_days', recency_days, case when recency_days <= silence_limit_days then '<=' else '>' end,
            silence_limit_days
        from classified where as_of_date = $day
        union all
        select as_of_date, customer_id, standard_version, 'value_tier', value_tier,
            value_reason, 'revenue_window', revenue_window, '>=', null
        from classified where as_of_date = $day
        """,
        {"day": day},
    )
