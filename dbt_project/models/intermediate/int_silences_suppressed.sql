{{ config(materialized='view') }}

with silences as {{ inlined() }} (

    select * from {{ ref('int_silences_banded') }}
    where is_requested

),

reactivation as (

    select * from {{ source('control', 'reactivation') }}

),

campaign_days as (

    select * from {{ source('control', 'campaign_days') }}

),

assignments as (

    select
        aliases.customer_id,
        assignments.campaign_id,
        assignments.entered_on,
        {{ task_id('assignments') }} as task_id
    from {{ source('control', 'assignments') }} as assignments
    inner join {{ source('identity', 'customer_aliases') }} as aliases
        on assignments.registry_id = aliases.registry_id

),

results as (

    select * from {{ ref('stg_list_results') }}

),

attributes as (

    select * from {{ ref('int_customer_attributes') }}

),

contacts as (

    select * from {{ ref('int_contacts_identified') }}

),

campaign_contacts as (

    select
        aliases.customer_id,
        campaigns.starts_on,
        campaigns.ends_on,
        {{ business_day('campaign_contacts.contacted_at') }} as contacted_on
    from {{ ref('stg_campaign_contacts') }} as campaign_contacts
    inner join {{ source('identity', 'customer_aliases') }} as aliases
        on campaign_contacts.source = aliases.source and campaign_contacts.customer_ref = aliases.customer_ref
    left join {{ ref('stg_campaigns') }} as campaigns
        on
            campaign_contacts.source = campaigns.source
            and campaign_contacts.campaign_id = campaigns.campaign_id
    where coalesce(campaign_contacts.arm, 'treated') = 'treated'

),

open_complaints as (

    select distinct
        silences.as_of_date,
        silences.customer_id
    from silences
    inner join contacts
        on
            silences.customer_id = contacts.customer_id
            and contacts.is_complaint
            and silences.as_of_date >= contacts.occurred_on
            and (contacts.resolved_on is null or silences.as_of_date < contacts.resolved_on)

),

touches as (

    select
        customer_id,
        occurred_on as touched_on,
        0 as suppresses_after_days
    from contacts
    where direction = 'outbound'
    union all
    select
        customer_id,
        contacted_on as touched_on,
        0 as suppresses_after_days
    from campaign_contacts
    where contacted_on is not null
    union all
    select
        assignments.customer_id,
        {{ business_day('results.worked_at') }} as touched_on,
        0 as suppresses_after_days
    from results
    inner join assignments on results.task_id = assignments.task_id
    union all
    select
        aliases.customer_id,
        listings.listed_on as touched_on,
        1 as suppresses_after_days
    from {{ source('control', 'listings') }} as listings
    inner join {{ source('identity', 'customer_aliases') }} as aliases
        on listings.registry_id = aliases.registry_id
    where listings.arm = 'treated'

),

{#-
    A list of the day itself does not suppress its own customers: the day must come out the same when run again. The last
    list that showed a customer counts, not the first: they may have been called by it.
-#}
recently_contacted as (

    select distinct
        silences.as_of_date,
        silences.customer_id
    from silences
    cross join reactivation
    inner join touches
        on
            silences.customer_id = touches.customer_id
            and {{ days_before('silences.as_of_date', 'reactivation.cool_down_days') }} < touches.touched_on
            and {{ days_before('silences.as_of_date', 'touches.suppresses_after_days') }} >= touches.touched_on

),

in_campaigns as (

    select distinct
        silences.as_of_date,
        silences.customer_id
    from silences
    inner join campaign_contacts
        on
            silences.customer_id = campaign_contacts.customer_id
            and silences.as_of_date >= campaign_contacts.starts_on
            and silences.as_of_date <= coalesce(campaign_contacts.ends_on, campaign_contacts.starts_on)
            and silences.as_of_date >= coalesce(campaign_contacts.contacted_on, campaign_contacts.starts_on)
    union
    select
        silences.as_of_date,
        silences.customer_id
    from silences
    inner join campaign_days on silences.as_of_date = campaign_days.as_of_date
    inner join assignments
        on
            silences.customer_id = assignments.customer_id
            and campaign_days.campaign_id = assignments.campaign_id
            and silences.as_of_date > assignments.entered_on

),

channels as (

    select
        as_of_date,
        customer_id,
        bool_or(is_granted) as is_any_granted,
        min(position) filter (where is_granted and has_contact_point) as best_position
    from {{ ref('int_channels_granted') }}
    group by as_of_date, customer_id

),

final as (

    select
        silences.as_of_date,
        silences.customer_id,
        case
            when attributes.do_not_contact then 'do_not_contact'
            when open_complaints.customer_id is not null then 'open_complaint'
            when recently_contacted.customer_id is not null then 'recently_contacted'
            when in_campaigns.customer_id is not null then 'in_running_campaign'
            when not coalesce(channels.is_any_granted, false) then 'no_consent'
            when channels.best_position is null then 'invalid_contact_point'
        end as suppressed_reason,
        best_channels.channel as best_channel,
        best_channels.consent_basis
    from silences
    left join attributes
        on silences.as_of_date = attributes.as_of_date and silences.customer_id = attributes.customer_id
    left join open_complaints
        on silences.as_of_date = open_complaints.as_of_date and silences.customer_id = open_complaints.customer_id
    left join recently_contacted
        on silences.as_of_date = recently_contacted.as_of_date and silences.customer_id = recently_contacted.customer_id
    left join in_campaigns
        on silences.as_of_date = in_campaigns.as_of_date and silences.customer_id = in_campaigns.customer_id
    left join channels
        on silences.as_of_date = channels.as_of_date and silences.customer_id = channels.customer_id
    left join {{ ref('int_channels_granted') }} as best_channels
        on
            silences.as_of_date = best_channels.as_of_date
            and silences.customer_id = best_channels.customer_id
            and channels.best_position = best_channels.position

)

select * from final
