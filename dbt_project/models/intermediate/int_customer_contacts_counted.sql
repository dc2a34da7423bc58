{{ config(materialized='view') }}

{#- Customers with a recent contact or a complaint; of the others, counts are 0, or unknown without interactions. -#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

contacts as (

    select * from {{ ref('int_contacts_identified') }}

),

windows as (

    select
        as_of_days.as_of_date,
        {{ days_before('as_of_days.as_of_date', 365) }} as last_365_days_start_after,
        {{ days_before('as_of_days.as_of_date', 90) }} as last_90_days_start_after,
        {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} as window_starts_after,
        {{ days_before('as_of_days.as_of_date', 'standards.at_risk_complaint_days') }} as complaints_start_after
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version

),

counted as (

    select
        windows.as_of_date,
        contacts.customer_id,
        count(*) filter (
            where contacts.channel = 'service' and contacts.occurred_on > windows.last_365_days_start_after
        ) as service_contacts_365d,
        count(*) filter (
            where contacts.is_complaint and contacts.occurred_on > windows.last_365_days_start_after
        ) as complaints_365d,
        count(*) filter (where contacts.occurred_on > windows.last_90_days_start_after) as interactions_90d,
        count(*) filter (
            where contacts.is_complaint and contacts.occurred_on > windows.complaints_start_after
        ) as recent_complaints,
        bool_or(
            contacts.is_complaint and (contacts.resolved_on is null or windows.as_of_date < contacts.resolved_on)
        ) as has_open_complaint,
        {{ exact_median(
            'case when contacts.occurred_on > windows.window_starts_after'
            ~ ' and contacts.answered_on <= windows.as_of_date then contacts.reply_microseconds end',
            'decimal(18, 2)'
        ) }} as median_reply_microseconds
    from windows
    inner join contacts
        on
            windows.as_of_date >= contacts.occurred_on
            and (
                contacts.is_complaint
                or least(windows.last_365_days_start_after, windows.window_starts_after) < contacts.occurred_on
            )
    group by windows.as_of_date, contacts.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        cast(service_contacts_365d as integer) as service_contacts_365d,
        cast(complaints_365d as integer) as complaints_365d,
        cast(interactions_90d as integer) as interactions_90d,
        cast(recent_complaints as integer) as recent_complaints,
        has_open_complaint,
        {{ ratio('median_reply_microseconds', '3600000000') }} as median_reply_hours
    from counted

)

select * from final
