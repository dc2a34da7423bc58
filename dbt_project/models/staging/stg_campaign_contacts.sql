with landed as (

    select * from {{ source('landing', 'campaign_contacts') }}

),

newest as (

    {{ newest_version('landed', ['source', 'campaign_id', 'customer_ref', 'channel']) }}

),

final as (

    select
        source,
        campaign_id,
        customer_ref,
        channel,
        contacted_at,
        arm,
        outcome,
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
