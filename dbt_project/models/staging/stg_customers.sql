with landed as (

    select * from {{ source('landing', 'customers') }}

),

dated as (

    select
        *,
        {{ business_day('coalesce(updated_at, landed_at)') }} as valid_from
    from landed

),

newest as (

    {{ newest_version('dated', ['source', 'customer_ref', 'valid_from'], newest_updated()) }}

),

final as (

    select
        source,
        customer_ref,
        valid_from,
        kind,
        registered_on,
        member_level,
        industry,
        company_size,
        region,
        city,
        decision_role,
        owner,
        crm_level,
        preferred_channel,
        competitor_closeness,
        do_not_contact,
        phone_hash,
        email_hash,
        wechat_hash,
        is_phone_valid,
        is_email_valid,
        is_wechat_valid,
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
