with orders as (

    select * from {{ ref('int_orders_valued') }}
    where is_counted and has_rate and customer_id is not null

),

refunds as (

    select * from {{ ref('int_refunds_valued') }}
    where has_rate and customer_id is not null

),

events as (

    select
        customer_id,
        ordered_on as business_day,
        1 as order_count,
        gross_amount,
        discount_amount,
        case when discount_amount > 0 then gross_amount else 0 end as discounted_gross_amount,
        cost_amount,
        case when cost_amount is null then 1 else 0 end as orders_without_cost,
        0 as refund_amount
    from orders
    union all
    select
        customer_id,
        refunded_on as business_day,
        0 as order_count,
        0 as gross_amount,
        0 as discount_amount,
        0 as discounted_gross_amount,
        0 as cost_amount,
        0 as orders_without_cost,
        refund_amount
    from refunds

),

days as (

    select
        customer_id,
        business_day,
        sum(order_count) as order_count,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(discounted_gross_amount) as discounted_gross_amount,
        sum(cost_amount) as cost_amount,
        sum(orders_without_cost) as orders_without_cost,
        sum(refund_amount) as refund_amount
    from events
    group by customer_id, business_day

),

previous_order_days as (

    select
        customer_id,
        business_day,
        lag(business_day) over (partition by customer_id order by business_day) as previous_order_on
    from days
    where order_count > 0

),

final as (

    select
        days.customer_id,
        days.business_day,
        cast(days.order_count as integer) as order_count,
        cast(days.gross_amount as decimal(18, 2)) as gross_amount,
        cast(days.discount_amount as decimal(18, 2)) as discount_amount,
        cast(days.discounted_gross_amount as decimal(18, 2)) as discounted_gross_amount,
        cast(days.cost_amount as decimal(18, 2)) as cost_amount,
        cast(days.orders_without_cost as integer) as orders_without_cost,
        cast(days.refund_amount as decimal(18, 2)) as refund_amount,
        previous_order_days.previous_order_on,
        cast({{ days_between('previous_order_days.previous_order_on', 'days.business_day') }} as integer) as gap_days
    from days
    left join previous_order_days
        on days.customer_id = previous_order_days.customer_id and days.business_day = previous_order_days.business_day

)

select * from final
order by customer_id, business_day
