with orders as (

    select * from {{ ref('int_orders_valued') }}
    where is_measured

),

refunds as (

    select * from {{ ref('int_refunds_valued') }}
    where has_rate and customer_id is not null

),

events as (

    select
        customer_id,
        ordered_on as business_day,
        true as is_order,
        gross_amount,
        discount_amount,
        case when discount_amount > 0 then gross_amount else 0 end as discounted_gross_amount,
        cost_amount,
        0 as refund_amount
    from orders
    union all
    select
        customer_id,
        refunded_on as business_day,
        false as is_order,
        0 as gross_amount,
        0 as discount_amount,
        0 as discounted_gross_amount,
        0 as cost_amount,
        refund_amount
    from refunds

),

days as (

    select
        customer_id,
        business_day,
        cast(count(case when is_order then 1 end) as integer) as order_count,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(discounted_gross_amount) as decimal(18, 2)) as discounted_gross_amount,
        cast(sum(cost_amount) as decimal(18, 2)) as cost_amount,
        cast(count(case when cost_amount is null then 1 end) as integer) as orders_without_cost,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount
    from events
    group by customer_id, business_day

),

previous as (

    select
        *,
        case
            when order_count > 0
                then max(case when order_count > 0 then business_day end) over (
                    partition by customer_id
                    order by business_day
                    rows between unbounded preceding and 1 preceding
                )
        end as previous_order_on
    from days

),

final as (

    select
        *,
        cast({{ days_between('previous_order_on', 'business_day') }} as integer) as gap_days
    from previous

)

select * from final
order by customer_id, business_day
