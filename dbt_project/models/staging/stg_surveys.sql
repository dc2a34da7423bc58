with landed as (

    select * from {{ source('landing', 'surveys') }}

),

newest as (

    {{ newest_version('landed', ['source', 'response_id']) }}

),

final as (

    select
        source,
        response_id,
        customer_ref,
        responded_at,
        satisfaction,
        need_motive,
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
