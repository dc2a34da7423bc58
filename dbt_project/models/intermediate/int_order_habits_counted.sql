with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

orders as (

    select * from {{ ref('int_orders_valued') }}
    where is_measured

),

span as (

    select
        min({{ days_before('as_of_days.as_of_date', 'standards.window_days') }}) as starts_after,
        max(as_of_days.as_of_date) as ends_on
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version

),

final as (

    select
        orders.customer_id,
        orders.ordered_on,
        orders.channel,
        {{ business_hour('orders.ordered_at') }} as order_hour,
        cast(count(*) as integer) as order_count,
        cast(sum(orders.gross_amount - orders.discount_amount) as decimal(18, 2)) as revenue
    from orders
    inner join span
        on orders.ordered_on > span.starts_after and orders.ordered_on <= span.ends_on
    group by orders.customer_id, orders.ordered_on, orders.channel, {{ business_hour('orders.ordered_at') }}

)

select * from final
order by customer_id, ordered_on
