{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        meta={'by_days': true, 'day_column': 'reference_on', 'replaced_days': 'is_reference'}
    )
}}

{#- Kept from run to run, as int_reference_outcomes is. -#}

{%- set dimensions = ['lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type'] -%}

with reference_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_reference

),

measured as (

    select * from {{ ref('int_customers_measured') }}
    where as_of_date in (select as_of_date from reference_days)

),

staged as (

    select * from {{ ref('int_lifecycles_staged') }}

),

tiered as (

    select * from {{ ref('int_values_tiered') }}

),

scored as (

    select * from {{ ref('int_rfm_scored') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

next_days as (

    select
        reference_days.as_of_date,
        customer_days.customer_id,
        sum(customer_days.order_count) as order_count,
        sum(customer_days.gross_amount - customer_days.discount_amount - customer_days.refund_amount) as revenue
    from reference_days
    inner join customer_days
        on
            reference_days.as_of_date < customer_days.business_day
            and reference_days.as_of_date >= {{ days_before('customer_days.business_day', 90) }}
    group by reference_days.as_of_date, customer_days.customer_id

),

outcomes as (

    select
        measured.as_of_date,
        measured.standard_version,
        staged.lifecycle_stage,
        tiered.value_tier,
        scored.rfm_segment,
        scored.rfm_type,
        measured.revenue_window,
        measured.order_count_window > 0 as is_ranked,
        coalesce(next_days.order_count, 0) > 0 as has_repeated,
        coalesce(next_days.revenue, 0) as next_revenue
    from measured
    inner join staged
        on measured.as_of_date = staged.as_of_date and measured.customer_id = staged.customer_id
    inner join tiered
        on measured.as_of_date = tiered.as_of_date and measured.customer_id = tiered.customer_id
    inner join scored
        on measured.as_of_date = scored.as_of_date and measured.customer_id = scored.customer_id
    left join next_days
        on measured.as_of_date = next_days.as_of_date and measured.customer_id = next_days.customer_id

),

{#- Ranks over the distinct values, doubled so that the mean rank of a tie is whole, and less their mean. -#}
{% for ranked, value in {'rank_before': 'revenue_window', 'rank_after': 'next_revenue'}.items() -%}
    {{ ranked }}_ties as (

        select
            as_of_date,
            {{ value }},
            count(*) as customers
        from outcomes
        where is_ranked
        group by as_of_date, {{ value }}

    ),

    {{ ranked }}s as (

        select
            as_of_date,
            {{ value }},
            2 * sum(customers) over (
                partition by as_of_date
                order by {{ value }}
                rows between unbounded preceding and current row
            ) - customers - sum(customers) over (partition by as_of_date) as {{ ranked }}
        from {{ ranked }}_ties

    ),

{% endfor -%}

{#-
    Every row has both ranks. Left joins, since inner ones leave the planner free to join the ranks to each other by day
    first: at a million orders and 48 days those are 33 thousand million pairs.
-#}
rank_products as (

    select
        outcomes.as_of_date,
        sum(cast(rank_befores.rank_before * rank_afters.rank_after as decimal(38, 0))) as products,
        sum(cast(rank_befores.rank_before * rank_befores.rank_before as decimal(38, 0))) as squares_before,
        sum(cast(rank_afters.rank_after * rank_afters.rank_after as decimal(38, 0))) as squares_after
    from outcomes
    left join rank_befores
        on outcomes.as_of_date = rank_befores.as_of_date and outcomes.revenue_window = rank_befores.revenue_window
    left join rank_afters
        on outcomes.as_of_date = rank_afters.as_of_date and outcomes.next_revenue = rank_afters.next_revenue
    where outcomes.is_ranked
    group by outcomes.as_of_date

),

rank_correlations as (

    select
        as_of_date,
        cast(round(
            cast(products as double) / (
                sqrt(cast(nullif(squares_before, 0) as double)) * sqrt(cast(nullif(squares_after, 0) as double))
            ), 6
        ) as decimal(18, 6)) as rank_correlation
    from rank_products

),

classes as (

    {% for dimension in dimensions -%}
        select
            as_of_date,
            standard_version,
            '{{ dimension }}' as dimension,
            {{ dimension }} as class,
            count(*) as customers,
            count(*) filter (where has_repeated) as repeat_customers,
            sum(next_revenue) as next_revenue
        from outcomes
        group by as_of_date, standard_version, {{ dimension }}
        union all
    {% endfor -%}
    select
        as_of_date,
        standard_version,
        'value_tier' as dimension,
        'total' as class,
        count(*) as customers,
        count(*) filter (where has_repeated) as repeat_customers,
        sum(next_revenue) as next_revenue
    from outcomes
    group by as_of_date, standard_version

),

final as (

    select
        classes.as_of_date as reference_on,
        classes.standard_version,
        classes.dimension,
        classes.class,
        classes.customers,
        classes.repeat_customers,
        cast(classes.next_revenue as decimal(18, 2)) as next_revenue,
        case when classes.class = 'total' then rank_correlations.rank_correlation end as rank_correlation
    from classes
    left join rank_correlations on classes.as_of_date = rank_correlations.as_of_date

)

select * from final
