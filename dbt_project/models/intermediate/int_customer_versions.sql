{#-
    A record's first version also holds before its own day (attributes reach back), so its span is open at the start.
    Where several records make one customer, the later valid_from takes precedence, attribute by attribute.
-#}

with aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

versions as (

    select
        *,
        row_number() over (partition by source, customer_ref order by valid_from) as version_number,
        lead(valid_from) over (partition by source, customer_ref order by valid_from) as next_valid_from
    from {{ ref('stg_customers') }}

),

final as (

    select
        aliases.customer_id,
        versions.source,
        versions.customer_ref,
        case when versions.version_number = 1 then date '0001-01-01' else versions.valid_from end as valid_from,
        coalesce(versions.next_valid_from, date '9999-12-31') as valid_to,
        row_number() over (
            partition by aliases.customer_id
            order by versions.valid_from, versions.source, versions.customer_ref
        ) as precedence,
        {{ attribute_columns('versions') }},
        versions.preferred_channel,
        versions.competitor_closeness,
        coalesce(versions.do_not_contact, false) as do_not_contact,
        coalesce(versions.is_phone_valid, false) as is_phone_valid,
        coalesce(versions.is_email_valid, false) as is_email_valid,
        coalesce(versions.is_wechat_valid, false) as is_wechat_valid
    from versions
    inner join aliases
        on versions.source = aliases.source and versions.customer_ref = aliases.customer_ref
    where not versions.is_deleted

)

select * from final
order by customer_id, valid_from
