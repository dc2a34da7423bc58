with landed as (

    select * from {{ source('landing', 'customer_links') }}

),

newest as (

    {{ newest_version('landed', ['source', 'customer_ref', 'linked_source']) }}

),

final as (

    select
        source,
        customer_ref,
        linked_source,
        linked_ref,
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
