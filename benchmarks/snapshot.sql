-- One day of the shipped standard for a company that has orders only, as short as DuckDB can say it: the rows of the
-- eight tables that hold a row a customer (customer_matrices: three). The tables of the warehouse are attached as `strata`.
create table customer_features as from strata.marts.customer_features limit 0;
create table customer_rfm as from strata.marts.customer_rfm limit 0;
create table customer_lifecycle as from strata.marts.customer_lifecycle limit 0;
create table customer_value as from strata.marts.customer_value limit 0;
create table customer_needs as from strata.marts.customer_needs limit 0;
create table customer_behaviours as from strata.marts.customer_behaviours limit 0;
create table customer_matrices as from strata.marts.customer_matrices limit 0;
create table customer_segments as from strata.marts.customer_segments limit 0;
create macro ratio(n, d) as case when d <> 0 then cast(
    cast(sign(n) * sign(d) * ((2000000 * abs(cast(n * 100 as hugeint)) + abs(cast(d * 100 as hugeint)))
    // (2 * abs(cast(d * 100 as hugeint)))) as decimal(32, 0)) * 0.000001 as decimal(18, 6)) end;
create macro stage_of(orders, first_order, closed_gap, recency, silence, churn, day) as case
    when orders = 0 then 'prospect'
    when first_order > day - 30 then 'new'
    when closed_gap > silence then 'reactivated'
    when recency <= silence then 'active'
    when recency <= churn then 'silent'
    else 'churned'
end;
create macro segment_of(orders, f, r_score, f_score) as case
    when orders = 0 then 'prospect'
    when f = 0 then 'out_of_window'
    when r_score = 5 and f_score >= 4 then 'champions'
    when r_score >= 3 and f_score >= 4 then 'loyal'
    when r_score >= 4 and f_score >= 2 then 'potential_loyalist'
    when r_score = 5 then 'new_customers'
    when r_score = 4 then 'promising'
    when r_score = 3 and f_score = 3 then 'need_attention'
    when r_score = 3 then 'about_to_sleep'
    when f_score = 5 then 'cannot_lose'
    when f_score >= 3 then 'at_risk'
    else 'hibernating'
end;
create macro type_of(orders, f, is_recent, is_often, is_high) as case
    when orders = 0 then 'prospect'
    when f = 0 then 'out_of_window'
    else case when is_high then 'important_' else 'general_' end || case
        when is_recent and is_often then 'value'
        when is_recent then 'develop'
        when is_often then 'keep'
        else 'winback'
    end
end;
create macro tier_of(orders, f, m, above, total) as case
    when orders = 0 then 'prospect'
    when f = 0 or m <= 0 then 'low'
    when above < 0.80 * total then 'high'
    when above < 0.95 * total then 'mid'
    else 'low'
end;

create or replace temporary table measured as
with days as (
    select *, gross_amount - discount_amount - refund_amount as revenue
    from strata.intermediate.int_customer_days
    where business_day <= getvariable('as_of_date')
), totals as (
    select
        customer_id,
        min(business_day) filter (order_count > 0) as first_order_on,
        max(business_day) filter (order_count > 0) as last_order_on,
        cast(sum(order_count) as integer) as order_count,
        cast(count(*) filter (order_count > 0) as integer) as order_days,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(revenue - cost_amount) as decimal(18, 2)) as margin,
        quantile_cont(gap_days, 0.5) as gap,
        max(gap_days) filter (business_day > getvariable('as_of_date') - 30) as closed_gap,
        cast(coalesce(sum(order_count) filter (business_day > getvariable('as_of_date') - 365), 0) as integer)
            as order_count_window,
        count(*) filter (business_day > getvariable('as_of_date') - 365 and order_count > 0) as order_days_window,
        cast(coalesce(sum(revenue) filter (business_day > getvariable('as_of_date') - 365), 0) as decimal(18, 2))
            as revenue_window,
        cast(coalesce(sum(revenue - cost_amount) filter (business_day > getvariable('as_of_date') - 365), 0)
            as decimal(18, 2)) as margin_window,
        sum(refund_amount) filter (business_day > getvariable('as_of_date') - 365) as refunds,
        sum(discount_amount) filter (business_day > getvariable('as_of_date') - 365) as discounts,
        sum(gross_amount) filter (business_day > getvariable('as_of_date') - 365) as gross,
        sum(order_count) filter (business_day > getvariable('as_of_date') - 90) as orders_90,
        sum(order_count) filter (business_day between getvariable('as_of_date') - 179 and getvariable('as_of_date') - 90)
            as orders_prior_90,
        coalesce(sum(revenue) filter (business_day > getvariable('as_of_date') - 90), 0) as revenue_90,
        coalesce(sum(revenue) filter (
            business_day between getvariable('as_of_date') - 179 and getvariable('as_of_date') - 90
        ), 0) as revenue_prior_90
    from days
    group by customer_id
), habits as (
    select
        customer_id,
        channel,
        hour(timezone(getvariable('zone'), ordered_at)) as hour,
        count(*) as orders,
        sum(gross_amount - coalesce(discount_amount, 0)) as revenue
    from strata.staging.stg_orders
    join strata.identity.customer_aliases using (source, customer_ref)
    where status in ('completed', 'refunded')
        and ordered_on between getvariable('as_of_date') - 364 and getvariable('as_of_date')
    group by all
), top_channels as (
    select customer_id, arg_min(channel, (-revenue, -orders, channel)) as top_channel
    from (select customer_id, channel, sum(revenue) as revenue, sum(orders) as orders from habits group by all)
    group by customer_id
), usual_hours as (
    select customer_id, cast(arg_min(hour, (-orders, hour)) as integer) as usual_hour
    from (select customer_id, hour, sum(orders) as orders from habits group by all)
    group by customer_id
), gaps as (
    select quantile_cont(gap, 0.5) as population_gap from totals where order_days >= 2
)
select
    customer_id,
    first_seen_on,
    first_order_on,
    last_order_on,
    getvariable('as_of_date') - last_order_on as recency_days,
    getvariable('as_of_date') - first_order_on as tenure_days,
    coalesce(order_count, 0) as order_count,
    coalesce(order_days, 0) as order_days,
    coalesce(revenue, 0) as revenue,
    coalesce(margin, 0) as margin,
    gap,
    closed_gap,
    coalesce(order_count_window, 0) as order_count_window,
    coalesce(order_days_window, 0) as order_days_window,
    coalesce(revenue_window, 0) as revenue_window,
    coalesce(margin_window, 0) as margin_window,
    ratio(discounts, gross) as discount_share,
    ratio(refunds, gross - discounts) as refund_share,
    coalesce(orders_90, 0) as orders_90,
    coalesce(revenue_90, 0) as revenue_90,
    coalesce(orders_prior_90, 0) as orders_prior_90,
    coalesce(revenue_prior_90, 0) as revenue_prior_90,
    case when revenue_90 + revenue_prior_90 > 0 then least(greatest(ratio(revenue_90, revenue_90 + revenue_prior_90), 0), 1)
    end as growth,
    coalesce(top_channel, 'unknown') as top_channel,
    usual_hour,
    case
        when order_count is null or order_count = 0 then null
        when order_days >= 3 then 'own_rhythm'
        when population_gap is not null then 'population_rhythm'
        else 'fixed'
    end as limit_basis,
    case
        when order_count is null or order_count = 0 then null
        when coalesce(case when order_days >= 3 then gap end, population_gap) is null then 90
        else least(greatest(2 * case when order_days >= 3 then gap else population_gap end, 30), 180)
    end as silence_limit,
    case
        when order_count is null or order_count = 0 then null
        when coalesce(case when order_days >= 3 then gap end, population_gap) is null then 365
        else least(greatest(4 * case when order_days >= 3 then gap else population_gap end, 90), 540)
    end as churn_limit
from strata.intermediate.int_customers_first_seen
left join totals using (customer_id)
left join top_channels using (customer_id)
left join usual_hours using (customer_id)
cross join gaps
where first_seen_on <= getvariable('as_of_date');

create or replace temporary table classified as
with cuts as (
    select
        quantile_disc(-recency_days, [0.2, 0.4, 0.6, 0.8]) as r,
        quantile_disc(order_count_window, [0.2, 0.4, 0.6, 0.8]) as f,
        quantile_disc(revenue_window, [0.2, 0.4, 0.6, 0.8]) as m,
        quantile_disc(order_count_window, 0.9) as often,
        sum(-recency_days) as r_sum,
        sum(order_count_window) as f_sum,
        sum(revenue_window) as m_sum,
        count(*) as n
    from measured
    where order_count_window > 0
), standings as (
    select
        revenue_window,
        coalesce(sum(revenue_window * customers) filter (revenue_window > 0) over above, 0) as value_above,
        revenue_window * customers as value_tied,
        sum(revenue_window * customers) filter (revenue_window > 0) over () as total,
        coalesce(sum(scored) over below, 0) as scored_below
    from (
        select revenue_window, count(*) as customers, count(*) filter (order_count_window > 0) as scored
        from measured
        group by revenue_window
    )
    window
        above as (order by revenue_window desc rows between unbounded preceding and 1 preceding),
        below as (order by revenue_window rows between unbounded preceding and 1 preceding)
), discounts as (
    select
        discount_share,
        ratio(coalesce(sum(count(*)) over (order by discount_share rows between unbounded preceding and 1 preceding), 0),
            sum(count(*)) over ()) as discount_percentile
    from measured
    where order_count_window > 0 and discount_share is not null
    group by discount_share
), scored as (
    select
        *,
        order_count_window > 0 as is_scored,
        100 * ratio(scored_below, n) as value_score,
        100 * growth as potential_score,
        case when recency_days > silence_limit then recency_days - silence_limit when recency_days is not null then 0 end
            as days_silent,
        1 + (r[1] < -recency_days)::int + (r[2] < -recency_days)::int + (r[3] < -recency_days)::int
        + (r[4] < -recency_days)::int as r_score,
        1 + (f[1] < order_count_window)::int + (f[2] < order_count_window)::int + (f[3] < order_count_window)::int
        + (f[4] < order_count_window)::int as f_score,
        1 + (m[1] < revenue_window)::int + (m[2] < revenue_window)::int + (m[3] < revenue_window)::int
        + (m[4] < revenue_window)::int as m_score
    from measured
    join standings using (revenue_window)
    left join discounts using (discount_share)
    cross join cuts
)
select
    *,
    stage_of(order_count, first_order_on, closed_gap, recency_days, silence_limit, churn_limit, getvariable('as_of_date'))
        as stage,
    case
        when days_silent >= silence_limit then 100
        else cast(100 * round(cast(days_silent as decimal(18, 6)) / silence_limit, 6) as decimal(18, 6))
    end as urgency,
    revenue_window * n >= m_sum as is_value_high,
    order_count_window * n >= f_sum as is_frequency_high,
    -recency_days * n >= r_sum as is_recency_high
from scored;

insert into customer_matrices
select getvariable('as_of_date'), customer_id, standard_version, matrix, x_value, y_value, is_x_high, is_y_high,
    case
        when is_x_high is null or is_y_high is null then 'unknown'
        when is_x_high and is_y_high then quadrants[1]
        when is_x_high then quadrants[2]
        when is_y_high then quadrants[3]
        else quadrants[4]
    end
from (
    select customer_id, 'value_frequency' as matrix, revenue_window as x_value, order_count_window as y_value,
        is_value_high as is_x_high, is_frequency_high as is_y_high,
        ['vip', 'big_ticket', 'frequent_small', 'occasional'] as quadrants
    from classified
    union all
    select customer_id, 'value_potential', revenue_window, potential_score, is_value_high, potential_score >= 50,
        ['star', 'cash_cow', 'rising', 'long_tail']
    from classified
    union all
    select customer_id, 'importance_urgency', value_score, urgency, value_score >= 80, urgency >= 50,
        ['act_now', 'plan', 'delegate', 'automate']
    from classified
), (select standard_version from strata.control.as_of_days limit 1);

insert into customer_segments by name
with classes as (
    select
        *,
        segment_of(order_count, order_count_window, r_score, f_score) as segment,
        type_of(order_count, order_count_window, is_recency_high, is_frequency_high, is_value_high) as type,
        tier_of(order_count, order_count_window, revenue_window, value_above, total) as tier,
        case
            when potential_score is not null then 'value_potential' else 'value_frequency'
        end as matrix,
        case
            when potential_score is not null then case
                when is_value_high and potential_score >= 50 then 'star'
                when is_value_high then 'cash_cow'
                when potential_score >= 50 then 'rising'
                else 'long_tail'
            end
            when is_value_high and is_frequency_high then 'vip'
            when is_value_high then 'big_ticket'
            when is_frequency_high then 'frequent_small'
            else 'occasional'
        end as quadrant
    from classified
)
select
    getvariable('as_of_date') as as_of_date,
    customer_id,
    standard_version,
    'unknown' as kind,
    'unknown' as industry,
    'unknown' as company_size,
    'unknown' as region,
    'unknown' as city,
    'unknown' as decision_role,
    'unknown' as member_level,
    'unknown' as owner,
    stage as lifecycle_stage,
    stages.label as lifecycle_stage_label,
    case stage
        when 'prospect' then 'no_counted_order'
        when 'new' then 'first_order_recent'
        when 'active' then 'recency_within_silence_limit'
        when 'reactivated' then 'returned_after_silence'
        when 'silent' then 'recency_within_churn_limit'
        else 'recency_beyond_churn_limit'
    end as lifecycle_reason,
    stage = 'active' and order_days_window >= 6 as is_loyal,
    days_silent,
    silence_limit as silence_limit_days,
    churn_limit as churn_limit_days,
    case when is_scored then r_score end as r_score,
    case when is_scored then f_score end as f_score,
    case when is_scored then m_score end as m_score,
    case when is_scored then r_score + f_score + m_score end as rfm_score,
    case when is_scored then concat(r_score, f_score, m_score) end as rfm_cell,
    segment as rfm_segment,
    segments.label as rfm_segment_label,
    type as rfm_type,
    types.label as rfm_type_label,
    case
        when order_count = 0 then 'no_counted_order'
        when order_count_window = 0 then 'no_order_in_window'
        else 'scored_by_quantile'
    end as rfm_reason,
    tier as value_tier,
    tiers.label as value_tier_label,
    case
        when order_count = 0 then 'no_counted_order'
        when order_count_window = 0 then 'no_order_in_window'
        when revenue_window <= 0 then 'no_positive_value'
        else 'share_of_value_above'
    end as value_reason,
    case when revenue_window > 0 then ratio(revenue_window, total) else 0 end as value_share,
    case
        when revenue_window > 0 then ratio(value_above + value_tied, total) when total > 0 then 1
    end as cumulative_value_share,
    value_score,
    potential_score,
    case when potential_score is null then 0 else 1 end as potential_factors_known,
    urgency as urgency_score,
    'unknown' as need_clarity,
    case
        when not is_scored or discount_share is null then 'unknown'
        when discount_share > 0 and discount_percentile >= 0.75 then 'price'
        else 'balanced'
    end as need_type,
    'unknown' as need_motive,
    order_count_window > often as is_high_frequency,
    coalesce(orders_prior_90 >= 1 and orders_90 <= 0.5 * orders_prior_90, false) as is_at_risk,
    first_order_on,
    last_order_on,
    recency_days,
    tenure_days,
    order_count,
    order_days,
    revenue,
    ratio(revenue, order_count) as average_order_value,
    order_count_window,
    revenue_window,
    top_channel,
    case when plans.aim_en is not null then matrix end as plan_dimension,
    case when plans.aim_en is not null then quadrant end as plan_class,
    plans.aim_en as plan_aim,
    plans.service_level,
    plans.contact_days
from classes
cross join (select standard_version from strata.control.as_of_days limit 1)
left join strata.control.labels as stages on stages.dimension = 'lifecycle_stage' and stages.code = stage
left join strata.control.labels as segments on segments.dimension = 'rfm_segment' and segments.code = segment
left join strata.control.labels as types on types.dimension = 'rfm_type' and types.code = type
left join strata.control.labels as tiers on tiers.dimension = 'value_tier' and tiers.code = tier
left join strata.control.plans as plans on plans.dimension = matrix and plans.class = quadrant;

insert into customer_features by name
select
    getvariable('as_of_date') as as_of_date,
    * exclude (gap, closed_gap, orders_90, orders_prior_90, growth, limit_basis, silence_limit, churn_limit),
    'unknown' as kind,
    'unknown' as industry,
    'unknown' as company_size,
    'unknown' as region,
    'unknown' as city,
    'unknown' as decision_role,
    'unknown' as member_level,
    'unknown' as owner,
    ratio(revenue, order_count) as average_order_value,
    gap as median_gap_days,
    closed_gap as longest_gap_closed_days,
    orders_90 as order_count_90d,
    orders_prior_90 as order_count_prior_90d,
    'unknown' as top_category,
    'unknown' as stated_urgency,
    'unknown' as stated_need_clarity,
    'unknown' as need_motive
from (
    select * exclude (revenue_90, revenue_prior_90), revenue_90 as revenue_90d, revenue_prior_90 as revenue_prior_90d
    from measured
)
cross join (select standard_version from strata.control.as_of_days limit 1);

create or replace temporary table today as
select segments.*, classified.*  exclude (customer_id)
from (
    select as_of_date, customer_id, standard_version, lifecycle_stage, lifecycle_reason, is_loyal,
        rfm_score, rfm_cell, rfm_segment, rfm_type, rfm_reason, value_tier, value_reason, value_share,
        cumulative_value_share, need_type, is_high_frequency, is_at_risk
    from customer_segments
    where as_of_date = getvariable('as_of_date')
) as segments
join classified using (customer_id);

insert into customer_rfm
select as_of_date, customer_id, standard_version, case when is_scored then r_score end,
    case when is_scored then f_score end, case when is_scored then m_score end, rfm_score, rfm_cell, rfm_segment, rfm_type,
    rfm_reason
from today;

insert into customer_lifecycle
select as_of_date, customer_id, standard_version, lifecycle_stage, lifecycle_reason, limit_basis, silence_limit, churn_limit,
    closed_gap, days_silent, is_loyal
from today;

insert into customer_value
select as_of_date, customer_id, standard_version, 'revenue', revenue_window, value_tier, value_reason,
    case when revenue_window > 0 then ratio(value_above, total) end, value_share, cumulative_value_share
from today;

insert into customer_needs
select as_of_date, customer_id, standard_version, 'unknown', 'no_crm_or_web_entity', need_type,
    case
        when order_count = 0 then 'no_counted_order'
        when order_count_window = 0 then 'no_order_in_window'
        when discount_share is null then 'inputs_unknown'
        when discount_share > 0 and discount_percentile >= 0.75 then 'highest_percentile'
        else 'no_percentile_reaches_cut'
    end,
    case when discount_share > 0 and order_count_window > 0 then discount_percentile end, 'unknown', null, null
from today;

insert into customer_behaviours
select as_of_date, customer_id, standard_version, is_high_frequency, often, null, is_at_risk,
    case when is_at_risk then 'orders_dropped' else 'no_sign' end, null
from today;
