with landed as (

    select * from {{ source('landing', 'consents') }}

),

newest as (

    {{ newest_version('landed', ['source', 'customer_ref', 'channel', 'occurred_at']) }}

),

final as (

    select
        source,
        customer_ref,
        channel,
        occurred_at,
        is_granted,
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
