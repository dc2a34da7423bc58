with orders as {{ inlined() }} (

    select * from {{ ref('int_orders_valued') }}

),

refunds as (

    select * from {{ ref('stg_refunds') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

rates as (

    select * from {{ ref('int_exchange_rates_dated') }}

),

{#- A refund noted on its order is one refund, in the order's currency, on its own day where that is given. -#}
dated as (

    select
        refunds.source,
        refunds.refund_id,
        refunds.order_id,
        coalesce(aliases.customer_id, orders.customer_id) as customer_id,
        {{ business_day('refunds.refunded_at') }} as refunded_on,
        refunds.amount,
        refunds.currency
    from refunds
    left join aliases
        on refunds.source = aliases.source and refunds.customer_ref = aliases.customer_ref
    left join orders
        on refunds.source = orders.source and refunds.order_id = orders.order_id
    union all
    select
        source,
        cast(null as varchar) as refund_id,
        order_id,
        customer_id,
        {{ business_day('coalesce(refunded_at, ordered_at)') }} as refunded_on,
        original_refund_amount as amount,
        currency
    from orders
    where original_refund_amount > 0 and is_counted

),

final as (

    select
        dated.source,
        dated.refund_id,
        dated.order_id,
        dated.customer_id,
        dated.refunded_on,
        dated.currency,
        dated.amount as original_amount,
        {{ in_reporting_currency('dated.amount', 'dated.currency', 'rates.rate') }} as refund_amount,
        {{ has_rate('dated.currency', 'rates.rate') }} as has_rate
    from dated
    left join rates
        on
            dated.currency = rates.currency
            and dated.refunded_on >= rates.valid_from
            and dated.refunded_on < rates.valid_to

)

select * from final
