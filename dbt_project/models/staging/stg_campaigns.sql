with landed as (

    select * from {{ source('landing', 'campaigns') }}

),

newest as (

    {{ newest_version('landed', ['source', 'campaign_id']) }}

),

final as (

    select
        source,
        campaign_id,
        name,
        kind,
        channel,
        starts_on,
        ends_on,
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
