-- What a first run makes of the snapshot of its day: who is what since when, and how many of each class there are.
create table segment_history as
select customer_id, dimension, class, as_of_date as valid_from, cast(null as date) as valid_to, standard_version
from (
    unpivot (
        select as_of_date, customer_id, standard_version, lifecycle_stage, value_tier, rfm_segment, rfm_type, need_clarity,
            need_type, need_motive
        from customer_segments
    ) on lifecycle_stage, value_tier, rfm_segment, rfm_type, need_clarity, need_type, need_motive
    into name dimension value class
    union all by name
    select as_of_date, customer_id, standard_version, matrix as dimension, quadrant as class from customer_matrices
)
order by customer_id, dimension;

create table segment_summary as
with grouped as (
    select
        dimension, class, coalesce(top_channel, 'unknown') as channel, region, industry, owner, value_tier,
        cast(count(*) as bigint) as customers, sum(revenue_window) as revenue_window
    from segment_history
    join customer_segments using (customer_id)
    group by all
), counted as (
    select dimension, class, breakdown, breakdown_class, sum(customers) as customers, sum(revenue_window) as revenue_window
    from (
        unpivot (select *, 'total' as total from grouped) on channel, region, industry, owner, value_tier, total
        into name breakdown value breakdown_class
    )
    group by all
), totals as (
    select count(*) as customers, sum(revenue_window) as revenue_window from customer_segments
)
select
    getvariable('as_of_date') as as_of_date, standard_version, counted.dimension, class, coalesce(label, class) as class_label,
    breakdown, breakdown_class, cast(counted.customers as bigint) as customers,
    ratio(counted.customers, totals.customers) as customer_share,
    cast(counted.revenue_window as decimal(18, 2)) as revenue_window,
    ratio(counted.revenue_window, totals.revenue_window) as revenue_share
from counted
cross join totals
cross join (select distinct standard_version from customer_segments)
left join strata.control.labels on labels.dimension = counted.dimension and labels.code = class
order by counted.dimension, class, breakdown, breakdown_class;

create table return_rates as
with learnt as (
    select silence_ratio_band, value_tier, order_count_band, sum(customers) as customers, sum(returned) as returned
    from returned_by_band
    group by all
), totals as (
    select sum(customers) as customers, sum(returned) as returned from learnt
)
select
    getvariable('as_of_date') as as_of_date, silence_ratio_band, value_tier, order_count_band,
    cast(learnt.customers as bigint) as customers, cast(learnt.returned as bigint) as returned,
    ratio(totals.returned, totals.customers) as overall_return_rate,
    ratio(learnt.returned * totals.customers + 50 * totals.returned, (learnt.customers + 50) * totals.customers) as return_rate
from learnt
cross join totals
order by all;

create table classification_backtest as
select
    getvariable('as_of_date') as evaluated_on, snapshot_on, standard_version,
    if(dimension = 'total', 'value_tier', dimension) as dimension, class, customers, repeat_customers,
    ratio(repeat_customers, customers) as repeat_rate, cast(next_revenue as decimal(18, 2)) as next_revenue,
    ratio(next_revenue, sum(next_revenue) filter (class = 'total') over (partition by snapshot_on)) as next_revenue_share,
    cast(round(rank_correlation, 6) as decimal(18, 6)) as rank_correlation
from brought_by_class
cross join (select distinct standard_version from customer_segments)
order by evaluated_on, snapshot_on, dimension, class;
