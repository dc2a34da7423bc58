{{ config(materialized='view') }}

{#-
    Leads as their newest version valid on the day states them; before a first version nothing is known. The newest lead
    is the one created last; one without created_at counts as created when its version's day began.
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

closed_lead_stages as (

    select * from {{ source('control', 'closed_lead_stages') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

versions as (

    select
        *,
        {{ valid_to_next_version(['source', 'lead_id']) }} as valid_to
    from {{ ref('stg_leads') }}

),

stated as (

    select
        as_of_days.as_of_date,
        aliases.customer_id,
        versions.need_clarity,
        closed_lead_stages.stage is null as is_open,
        row_number() over (
            partition by as_of_days.as_of_date, aliases.customer_id
            order by
                coalesce(versions.created_at, {{ business_day_start('versions.valid_from') }}) desc,
                versions.lead_id desc,
                versions.source desc
        ) as leads_back
    from as_of_days
    inner join versions
        on as_of_days.as_of_date >= versions.valid_from and as_of_days.as_of_date < versions.valid_to
    inner join aliases
        on versions.source = aliases.source and versions.customer_ref = aliases.customer_ref
    left join closed_lead_stages
        on
            as_of_days.standard_version = closed_lead_stages.standard_version
            and versions.stage = closed_lead_stages.stage
    where not versions.is_deleted

),

final as (

    select
        as_of_date,
        customer_id,
        max(case when leads_back = 1 then need_clarity end) as stated_need_clarity,
        bool_or(is_open) as has_open_lead
    from stated
    group by as_of_date, customer_id

)

select * from final
