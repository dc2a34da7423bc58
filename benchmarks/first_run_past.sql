-- What a first run learns from one month end of the past, the variable `reference_on`: who of the silent came back within
-- 90 days, by the bands of return rates, and what each class brought. For each of the twelve month ends.
create or replace temporary table past as
with totals as (
    select
        customer_id,
        min(business_day) filter (order_count > 0) as first_order_on,
        getvariable('reference_on') - max(business_day) filter (order_count > 0) as recency_days,
        sum(order_count) as order_count,
        count(*) filter (order_count > 0) as order_days,
        quantile_cont(gap_days, 0.5) as gap,
        max(gap_days) filter (business_day > getvariable('reference_on') - 30) as closed_gap,
        coalesce(sum(order_count) filter (business_day > getvariable('reference_on') - 365), 0) as order_count_window,
        coalesce(
            sum(gross_amount - discount_amount - refund_amount) filter (business_day > getvariable('reference_on') - 365), 0
        ) as revenue_window
    from intermediate.int_customer_days
    where business_day <= getvariable('reference_on')
    group by customer_id
), next_days as (
    select
        customer_id,
        sum(order_count) > 0 as has_returned,
        sum(gross_amount - discount_amount - refund_amount) as next_revenue
    from intermediate.int_customer_days
    where business_day > getvariable('reference_on') and business_day <= getvariable('reference_on') + 90
    group by customer_id
), measured as (
    select
        first_order_on, recency_days, coalesce(order_count, 0) as order_count, closed_gap, coalesce(order_count_window, 0) as f,
        coalesce(revenue_window, 0) as m, coalesce(has_returned, false) as has_returned, coalesce(next_revenue, 0) as next_revenue,
        coalesce(case when order_days >= 3 then gap end, population_gap) as rhythm,
        case when rhythm is null then 90 else least(greatest(2 * rhythm, 30), 180) end as silence_limit,
        case when rhythm is null then 365 else least(greatest(4 * rhythm, 90), 540) end as churn_limit
    from intermediate.int_customers_first_seen
    left join totals using (customer_id)
    left join next_days using (customer_id)
    cross join (select quantile_cont(gap, 0.5) as population_gap from totals where order_days >= 2)
    where first_seen_on <= getvariable('reference_on')
), cuts as (
    select
        quantile_disc(-recency_days, [0.2, 0.4, 0.6, 0.8]) as rs,
        quantile_disc(f, [0.2, 0.4, 0.6, 0.8]) as fs,
        avg(-recency_days) as r_mean, avg(f) as f_mean, avg(m) as m_mean
    from measured
    where f > 0
), standings as (
    select
        m,
        coalesce(sum(m * count(*)) over (order by m desc rows between unbounded preceding and 1 preceding), 0) as above,
        sum(m * count(*)) over () as total
    from measured
    where m > 0
    group by m
)
select
    * exclude (rs, fs, r_mean, f_mean, m_mean, above, total),
    stage_of(order_count, first_order_on, closed_gap, recency_days, silence_limit, churn_limit, getvariable('reference_on'))
        as stage,
    tier_of(order_count, f, m, above, total) as tier,
    1 + len(list_filter(rs, lambda cut: cut < -recency_days)) as r_score,
    1 + len(list_filter(fs, lambda cut: cut < f)) as f_score,
    segment_of(order_count, f, r_score, f_score) as segment,
    type_of(order_count, f, -recency_days >= r_mean, f >= f_mean, m >= m_mean) as type
from measured
left join standings using (m)
cross join cuts;

insert into returned_by_band
select
    1 + (recency_days > 2 * silence_limit)::integer + (recency_days > 3 * silence_limit)::integer, tier,
    1 + (order_count >= 2)::integer + (order_count >= 4)::integer, count(*), count(*) filter (has_returned)
from past
where stage in ('silent', 'churned') and recency_days <= 730
group by all;

insert into brought_by_class
with ranked as (
    select
        avg(before) over (partition by m) as rank_before,
        avg(after) over (partition by next_revenue) as rank_after
    from (
        select m, next_revenue, row_number() over (order by m) as before, row_number() over (order by next_revenue) as after
        from past
        where f > 0
    )
)
select
    getvariable('reference_on'), dimension, class, count(*), count(*) filter (has_returned), sum(next_revenue),
    case when class = 'total' then (select corr(rank_before, rank_after) from ranked) end
from (
    unpivot (
        select has_returned, next_revenue, stage as lifecycle_stage, tier as value_tier, segment as rfm_segment, type as rfm_type,
            'total' as total
        from past
    ) on lifecycle_stage, value_tier, rfm_segment, rfm_type, total into name dimension value class
)
group by dimension, class;
