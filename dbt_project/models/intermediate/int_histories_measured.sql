{{ config(materialized='view') }}

{#- A view: the fit of one day asks for that day alone, which is a grouped scan of customer days. -#}

with fit_days as (

    select distinct fitted_on
    from {{ ref('int_fits_planned') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

totals as (

    select
        fit_days.fitted_on,
        customer_days.customer_id,
        min(customer_days.business_day) filter (where customer_days.order_count > 0) as first_order_on,
        max(customer_days.business_day) filter (where customer_days.order_count > 0) as last_order_on,
        count(*) filter (where customer_days.order_count > 0) as order_days,
        count(*) filter (
            where customer_days.order_count > 0 and customer_days.gross_amount > customer_days.discount_amount
        ) as paid_order_days,
        sum(customer_days.gross_amount - customer_days.discount_amount - customer_days.refund_amount) as revenue
    from fit_days
    inner join customer_days on fit_days.fitted_on >= customer_days.business_day
    group by fit_days.fitted_on, customer_days.customer_id

),

final as (

    select
        fitted_on,
        customer_id,
        cast(order_days - 1 as integer) as repeats,
        cast({{ days_between('first_order_on', 'last_order_on') }} as integer) as recency_days,
        cast({{ days_between('first_order_on', 'fitted_on') }} as integer) as age_days,
        cast(paid_order_days as integer) as paid_order_days,
        cast(revenue as decimal(18, 2)) as revenue
    from totals
    where order_days > 0

)

select * from final
