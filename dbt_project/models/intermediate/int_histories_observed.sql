{{ config(materialized='view') }}

{#- A view: the backtest of one day asks for that day and the one 90 days before. -#}
{%- set spans = [
    ('365d', days_before('observed_days.observed_on', 365), 'observed_days.observed_on'),
    ('90d', days_before('observed_days.observed_on', 90), 'observed_days.observed_on'),
    ('next', 'observed_days.observed_on', days_before('observed_days.observed_on', -90)),
] -%}

with plans as (

    select * from {{ ref('int_fits_planned') }}
    where is_reference or purchase_model = 'rfm_cells'

),

observed_days as (

    select as_of_date as observed_on
    from plans
    union
    select {{ days_before('as_of_date', 90) }} as observed_on
    from plans

),

customer_days as (

    select
        customer_id,
        business_day,
        order_count > 0 as is_order_day,
        gross_amount - discount_amount - refund_amount as revenue
    from {{ ref('int_customer_days') }}

),

totals as (

    select
        observed_days.observed_on,
        customer_days.customer_id,
        {%- for name, first, last in spans %}
            count(*) filter (
                where
                customer_days.is_order_day
                and customer_days.business_day > {{ first }}
                and customer_days.business_day <= {{ last }}
            ) as order_days_{{ name }},
            sum(customer_days.revenue) filter (
                where
                customer_days.business_day > {{ first }}
                and customer_days.business_day <= {{ last }}
            ) as revenue_{{ name }},
        {%- endfor %}
        max(customer_days.business_day) filter (
            where customer_days.is_order_day and customer_days.business_day <= observed_days.observed_on
        ) as last_order_on
    from observed_days
    inner join customer_days on customer_days.business_day <= {{ days_before('observed_days.observed_on', -90) }}
    group by observed_days.observed_on, customer_days.customer_id

),

final as (

    select
        observed_on,
        customer_id,
        cast({{ days_between('last_order_on', 'observed_on') }} as integer) as recency_days,
        cast(order_days_365d as integer) as order_days_365d,
        cast(coalesce(revenue_365d, 0) as decimal(18, 2)) as revenue_365d,
        cast(order_days_90d as integer) as order_days_90d,
        cast(coalesce(revenue_90d, 0) as decimal(18, 2)) as revenue_90d,
        cast(order_days_next as integer) as next_order_days,
        cast(coalesce(revenue_next, 0) as decimal(18, 2)) as next_revenue
    from totals
    where last_order_on is not null

)

select * from final
