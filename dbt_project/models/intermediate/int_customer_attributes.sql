{{ config(materialized='view') }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

versions as (

    select * from {{ ref('int_customer_versions') }}

),

final as (

    select
        as_of_days.as_of_date,
        versions.customer_id,
        {{ newest_known('versions.kind', 'versions.precedence') }} as kind,
        {{ newest_known('versions.industry', 'versions.precedence') }} as industry,
        {{ newest_known('versions.company_size', 'versions.precedence') }} as company_size,
        {{ newest_known('versions.region', 'versions.precedence') }} as region,
        {{ newest_known('versions.city', 'versions.precedence') }} as city,
        {{ newest_known('versions.decision_role', 'versions.precedence') }} as decision_role,
        {{ newest_known('versions.member_level', 'versions.precedence') }} as member_level,
        {{ newest_known('versions.owner', 'versions.precedence') }} as owner,
        bool_or(versions.do_not_contact) as do_not_contact,
        bool_or(versions.is_phone_valid) as is_phone_valid,
        bool_or(versions.is_email_valid) as is_email_valid,
        bool_or(versions.is_wechat_valid) as is_wechat_valid
    from as_of_days
    inner join versions
        on as_of_days.as_of_date >= versions.valid_from and as_of_days.as_of_date < versions.valid_to
    group by as_of_days.as_of_date, versions.customer_id

)

select * from final
