{{ config(materialized='view') }}

with orders as (

    select * from {{ ref('int_orders_valued') }}

),

refunds as (

    select
        source,
        refund_id,
        order_id,
        customer_ref,
        refunded_at,
        {{ business_day('refunded_at') }} as refunded_on,
        amount,
        currency
    from {{ ref('stg_refunds') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

rates as (

    select * from {{ ref('int_exchange_rates_dated') }}

),

separate as (

    select
        refunds.source,
        refunds.refund_id,
        refunds.order_id,
        coalesce(aliases.customer_id, orders.customer_id) as customer_id,
        refunds.refunded_on,
        {{ in_reporting_currency('refunds.amount', 'refunds.currency', 'rates.rate') }} as refund_amount,
        {{ has_rate('refunds.currency', 'rates.rate') }} as has_rate
    from refunds
    left join aliases
        on refunds.source = aliases.source and refunds.customer_ref = aliases.customer_ref
    left join orders
        on refunds.source = orders.source and refunds.order_id = orders.order_id
    left join rates
        on
            refunds.currency = rates.currency
            and refunds.refunded_on >= rates.valid_from
            and refunds.refunded_on < rates.valid_to

),

shorthand as (

    select
        source,
        cast(null as varchar) as refund_id,
        order_id,
        customer_id,
        {{ business_day('coalesce(refunded_at, ordered_at)') }} as refunded_on,
        refund_amount,
        has_rate
    from orders
    where refund_amount > 0 and is_counted

),

final as (

    select
        source,
        refund_id,
        order_id,
        customer_id,
        refunded_on,
        refund_amount,
        has_rate
    from separate
    union all
    select
        source,
        refund_id,
        order_id,
        customer_id,
        refunded_on,
        refund_amount,
        has_rate
    from shorthand

)

select * from final
