with landed as (

    select * from {{ source('landing', 'refunds') }}

),

newest as (

    {{ newest_version('landed', ['source', 'refund_id']) }}

),

final as (

    select
        source,
        refund_id,
        order_id,
        customer_ref,
        refunded_at,
        amount,
        currency,
        batch_id,
        batch_sequence,
        landed_at,
        source_file,
        row_number,
        is_deleted
    from newest
    where not is_deleted

)

select * from final
