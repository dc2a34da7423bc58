with landed as (

    select * from {{ source('landing', 'web_events') }}

),

newest as (

    {{ newest_version('landed', ['source', 'event_id']) }}

),

final as (

    select
        source,
        event_id,
        customer_ref,
        occurred_at,
        kind,
        product_id,
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
