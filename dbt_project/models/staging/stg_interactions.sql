with landed as (

    select * from {{ source('landing', 'interactions') }}

),

newest as (

    {{ newest_version('landed', ['source', 'interaction_id']) }}

),

final as (

    select
        source,
        interaction_id,
        customer_ref,
        occurred_at,
        channel,
        direction,
        outcome,
        is_complaint,
        resolved_at,
        owner,
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
