{{ config(materialized='view') }}

with orders as (

    select * from {{ ref('int_orders_valued') }}

),

final as (

    select
        source,
        order_id,
        customer_id,
        ordered_at,
        ordered_on,
        status,
        is_counted,
        currency,
        gross_amount,
        discount_amount,
        cast(gross_amount - discount_amount as decimal(18, 2)) as revenue,
        cost_amount,
        channel,
        region
    from orders
    where has_rate

)

select * from final
