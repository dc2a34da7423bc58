with refunds as (

    select * from {{ ref('int_refunds_valued') }}

),

final as (

    select
        source,
        order_id,
        refund_id,
        customer_id,
        refunded_on,
        currency,
        original_amount
    from refunds
    where not has_rate

)

select * from final
order by source, order_id, refund_id, refunded_on
