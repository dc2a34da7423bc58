with landed as (

    select * from {{ source('landing', 'products') }}

),

dated as (

    select
        *,
        {{ business_day('coalesce(updated_at, landed_at)') }} as valid_from
    from landed

),

newest as (

    {{ newest_version('dated', ['source', 'product_id', 'valid_from'], newest_updated()) }}

),

final as (

    select
        source,
        product_id,
        valid_from,
        name,
        category,
        brand,
        launched_on,
        is_available,
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
