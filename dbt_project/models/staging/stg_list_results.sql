with landed as (

    select * from {{ source('landing', 'list_results') }}

),

newest as (

    {{ newest_version('landed', ['source', 'task_id'], newest_updated()) }}

),

final as (

    select
        source,
        task_id,
        worked_at,
        outcome,
        owner,
        updated_at,
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
