"""What the invented warehouse says of classes over time and money, counted from the temporary table `classified`.

`classified` holds one row a customer and day with a column a dimension, for the stored days and those they are
compared with or judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
from marts_standard import DIMENSIONS

BACKTEST_HORIZON = timedelta(days=90)
# A row a customer, day and dimension.
LONG = f"""
    select customer_id, as_of_date, standard_version, dimension, class, tier, region, top_channel, industry, owner,
        revenue_window, average_order_value
    from (
        unpivot (select *, value_tier as tier from classified where as_of_date in $days)
        on {", ".join(DIMENSIONS)} into name dimension value class
    )
"""


def summarise(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """segment_summary: every dimension, in all and within each breakdown."""
    con.execute(
        f"""
        insert into marts.segment_summary
        with broken_down as (
            select *, unnest([
                {{breakdown: 'total', breakdown_class: 'total'}},
                {{breakdown: 'value_tier', breakdown_class: tier}},
                {{breakdown: 'region', breakdown_class: coalesce(region, 'unknown')}},
                {{breakdown: 'channel', breakdown_class: coalesce(top_channel, 'unknown')}},
                {{breakdown: 'industry', breakdown_class: coalesce(industry, 'unknown')}},
                {{breakdown: 'owner', breakdown_class: coalesce(owner, 'unknown')}}
            ], recursive := true)
            from ({LONG})
        ),
        counted as (
            select as_of_date, standard_version, dimension, class, breakdown, breakdown_class, count(*) as customers,
                sum(revenue_window) as revenue_window
            from broken_down group by all
        )
        select as_of_date, standard_version, counted.dimension, class, label_en, breakdown, breakdown_class, customers,
            round(customers / sum(customers) over whole, 6), revenue_window,
            round(revenue_window / nullif(sum(revenue_window) over whole, 0), 6)
        from counted left join control.labels as l on l.dimension = counted.dimension and l.code = class
        window whole as (partition by counted.dimension, breakdown)
        order by counted.dimension, class, breakdown, breakdown_class
        """,
        {"days": [day]},
    )


def compare(con: duckdb.DuckDBPyConnection, day: date, compared_on: date) -> None:
    """segment_migration and segment_stability of `day` against `compared_on`."""
    con.execute(
        f"""
        insert into marts.segment_migration
        with long as ({LONG}),
        before as (
            -- Some are not known yet, and prospects are known that the day does not have.
            select customer_id, dimension, class from long where as_of_date = $compared_on and customer_id % 29 > 0
            union all
            select -customer_id, dimension, class from long where as_of_date = $compared_on and tier = 'prospect'
        ),
        now as (select customer_id, dimension, class, revenue_window from long where as_of_date = $day),
        moves as (
            select dimension, coalesce(before.class, 'absent') as class_from, coalesce(now.class, 'absent') as class_to,
                count(*) as customers, sum(coalesce(revenue_window, 0)) as revenue_window
            from before full join now using (customer_id, dimension) group by all
        )
        select $day, $compared_on, standard_version, m.dimension, class_from, f.label_en, class_to, t.label_en,
            customers, revenue_window, false
        from moves as m
        cross join control.standards
        left join control.labels as f on f.dimension = m.dimension and f.code = m.class_from
        left join control.labels as t on t.dimension = m.dimension and t.code = m.class_to
        order by m.dimension, class_from, class_to
        """,
        {"days": [day, compared_on], "day": day, "compared_on": compared_on},
    )
    con.execute(
        f"""
        insert into marts.segment_stability
        with counted as (
            select dimension, class, count(*) filter (as_of_date = $compared_on) as before,
                count(*) filter (as_of_date = $day) as now
            from ({LONG}) group by all
        ),
        shares as (
            select dimension,
                greatest(0.0001, before / sum(before) over (partition by dimension)) as before,
                greatest(0.0001, now / sum(now) over (partition by dimension)) as now
            from counted
        ),
        indexed as (
            select dimension, round(sum((now - before) * ln(now / before)), 6) as stability_index
            from shares group by dimension
        )
        select $day, $compared_on, standard_version, dimension, stability_index,
            case when stability_index >= stability_fail then 'fail'
                when stability_index >= stability_warn then 'warn' else 'steady' end, false
        from indexed cross join control.standards order by dimension
        """,
        {"days": [day, compared_on], "day": day, "compared_on": compared_on},
    )


def backtest(con: duckdb.DuckDBPyConnection, day: date, snapshots: Sequence[date]) -> None:
    """classification_backtest of `day`: what the classes of each snapshot bought in the 90 days after it."""
    con.execute(
        f"""
        insert into marts.classification_backtest
        with bought as (
            select c.customer_id, c.as_of_date, c.dimension, c.class, count(o.ordered_on) as orders,
                count(o.ordered_on) * coalesce(any_value(c.average_order_value), 0) as revenue
            from ({LONG}) as c
            left join ordered as o
                on c.customer_id = o.customer_id and o.ordered_on > c.as_of_date and o.ordered_on <= c.as_of_date + 90
            where c.dimension in ('lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type') group by all
        ),
        judged as (
            from bought
            union all
            select customer_id, as_of_date, dimension, 'total', orders, revenue from bought
            where dimension = 'value_tier'
        )
        select $day, as_of_date, standard_version, dimension, class, count(*), count(*) filter (orders > 0),
            round(count(*) filter (orders > 0) / count(*), 6), sum(revenue),
            round(sum(revenue) / nullif(max(sum(revenue)) over (partition by as_of_date), 0), 6),
            case class when 'total' then 0.712345 end
        from judged cross join control.standards group by as_of_date, standard_version, dimension, class
        order by as_of_date, dimension, class
        """,
        {"days": list(snapshots), "day": day},
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
    days = [day for (day,) in con.execute("select as_of_date from control.as_of_days").fetchall()]
    con.execute(
        f"""
        insert into marts.segment_history
        with marked as (
            select *, coalesce(class != lag(class) over days, true) as is_new
            from ({LONG}) window days as (partition by customer_id, dimension order by as_of_date)
        )
        select customer_id, dimension, class, as_of_date,
            cast(lead(as_of_date) over (partition by customer_id, dimension order by as_of_date) - 1 as date),
            standard_version
        from marked where is_new order by customer_id, dimension, as_of_date
        """,
        {"days": days},
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
