{{ config(tags=['list']) }}

with issuing_days as (

    select
        as_of_date,
        coalesce(has_later_list, false) as has_later_list
    from {{ source('control', 'as_of_days') }}
    where issues_list

),

channels as (

    select * from {{ source('control', 'channels') }}

),

reactivation as (

    select * from {{ source('control', 'reactivation') }}

),

silent as (

    select * from {{ ref('silent_customers') }}

),

listed as (

    select * from {{ ref('reactivation_list') }}

),

consents as (

    select count(*) as consent_count from {{ ref('stg_consents') }}

),

eligible as (

    select
        issuing_days.as_of_date,
        issuing_days.has_later_list,
        channels.channel,
        count(silent.customer_id) as eligible
    from issuing_days
    cross join channels
    left join silent
        on
            issuing_days.as_of_date = silent.as_of_date
            and channels.channel = silent.best_channel
            and silent.suppressed_reason is null
    group by issuing_days.as_of_date, issuing_days.has_later_list, channels.channel

),

entered as (

    select
        as_of_date,
        channel,
        count(*) filter (where arm = 'treated') as treated,
        count(*) filter (where arm = 'treated' and entered_on < as_of_date) as carried,
        count(*) filter (where arm = 'control') as control
    from listed
    group by as_of_date, channel

),

final as (

    select
        eligible.as_of_date,
        eligible.channel,
        eligible.eligible,
        coalesce(entered.treated, 0) as treated,
        coalesce(entered.carried, 0) as carried,
        coalesce(entered.control, 0) as control,
        greatest(
            0,
            eligible.eligible
            - coalesce(entered.treated, 0)
            + coalesce(entered.carried, 0)
            - coalesce(entered.control, 0)
        ) as not_reached,
        case
            when channels.capacity = 0 then 'channel_closed'
            when eligible.has_later_list and entered.as_of_date is null then 'later_list_issued'
            when consents.consent_count = 0 and reactivation.consent_default_reason is null then 'no_consents_landed'
            when eligible.eligible = 0 and entered.as_of_date is null then 'no_eligible_customer'
            when reactivation.consent_default_reason is not null then 'consent_default'
        end as note,
        reactivation.consent_default_reason
    from eligible
    inner join channels on eligible.channel = channels.channel
    cross join reactivation
    cross join consents
    left join entered
        on eligible.as_of_date = entered.as_of_date and eligible.channel = entered.channel

)

select * from final
order by as_of_date, channel
