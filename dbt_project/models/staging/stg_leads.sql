with landed as (

    select * from {{ source('landing', 'leads') }}

),

dated as (

    select
        *,
        {{ business_day('coalesce(updated_at, landed_at)') }} as valid_from
    from landed

),

newest as (

    {{ newest_version('dated', ['source', 'lead_id', 'valid_from'], newest_updated()) }}

),

final as (

    select
        source,
        lead_id,
        valid_from,
        customer_ref,
        stage,
        need_clarity,
        created_at,
        updated_at,
        batch_id,
        batch_sequence,
        landed_at,
        source_file,
        row_number,
        is_deleted
    from newest

)

select * from final
