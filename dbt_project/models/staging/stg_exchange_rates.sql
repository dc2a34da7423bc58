with landed as (

    select * from {{ source('landing', 'exchange_rates') }}

),

newest as (

    {{ newest_version('landed', ['currency', 'date']) }}

),

final as (

    select
        currency,
        date,
        rate,
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
