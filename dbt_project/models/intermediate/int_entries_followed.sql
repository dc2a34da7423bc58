{#-
    What became of everybody who entered a campaign, with the day on which each thing was known: readers of a day take what
    is dated at most that day. Computed once an entry and not once an entry and day: a range of days pays one scan of the
    customer days of those who entered.
-#}
{%- set horizons = [30, 60, 90] -%}

with assignments as (

    select * from {{ source('control', 'assignments') }}

),

aliases as {{ inlined() }} (

    select * from {{ source('identity', 'customer_aliases') }}

),

results as (

    select * from {{ ref('stg_list_results') }}

),

interactions as (

    select * from {{ ref('stg_interactions') }}
    where direction = 'outbound'

),

campaign_contacts as (

    select * from {{ ref('stg_campaign_contacts') }}
    where contacted_at is not null and coalesce(arm, 'treated') = 'treated'

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

entries as (

    select
        assignments.campaign_id,
        assignments.registry_id,
        aliases.customer_id,
        assignments.entered_on,
        assignments.arm,
        assignments.channel,
        assignments.position,
        assignments.owner,
        assignments.silence_cause,
        assignments.value_tier,
        assignments.priority_score,
        {{ task_id('assignments') }} as task_id,
        row_number() over (
            partition by assignments.campaign_id, aliases.customer_id, assignments.arm
            order by assignments.entered_on, assignments.registry_id
        ) as entry_number
    from assignments
    inner join aliases on assignments.registry_id = aliases.registry_id

),

outbound as (

    select
        aliases.customer_id,
        interactions.occurred_at as worked_at,
        {{ business_day('interactions.occurred_at') }} as worked_on,
        'interaction' as worked_from,
        interactions.outcome
    from interactions
    inner join aliases
        on interactions.source = aliases.source and interactions.customer_ref = aliases.customer_ref
    union all
    select
        aliases.customer_id,
        campaign_contacts.contacted_at as worked_at,
        {{ business_day('campaign_contacts.contacted_at') }} as worked_on,
        'campaign_contact' as worked_from,
        campaign_contacts.outcome
    from campaign_contacts
    inner join aliases
        on campaign_contacts.source = aliases.source and campaign_contacts.customer_ref = aliases.customer_ref

),

{#-
    A result names its task. What other records tell is a contact of the customer after the day of entry, up to whose end
    the list knew everything, and within the first horizon. Their outcome is free text of people: only our codes are taken.
-#}
contacts as (

    select
        entries.campaign_id,
        entries.registry_id,
        results.worked_at,
        {{ business_day('results.worked_at') }} as worked_on,
        'list_result' as worked_from,
        1 as precedence,
        results.outcome
    from entries
    inner join results on entries.task_id = results.task_id
    union all
    select
        entries.campaign_id,
        entries.registry_id,
        outbound.worked_at,
        outbound.worked_on,
        outbound.worked_from,
        case outbound.worked_from when 'interaction' then 2 else 3 end as precedence,
        case
            when
                outbound.outcome in (
                    'reached', 'not_reached', 'interested', 'refused', 'wrong_contact', 'ordered', 'other'
                )
                then outbound.outcome
        end as outcome
    from entries
    inner join outbound
        on
            entries.customer_id = outbound.customer_id
            and entries.entered_on < outbound.worked_on
            and entries.entered_on >= {{ days_before('outbound.worked_on', horizons | first) }}

),

ranked_contacts as (

    select
        *,
        row_number() over (
            partition by campaign_id, registry_id
            order by worked_at, precedence, outcome
        ) as contact_number,
        row_number() over (
            partition by campaign_id, registry_id, worked_from
            order by worked_at, outcome
        ) as number_of_its_kind
    from contacts

),

{#- A merge made one customer of a treated and a control one while the longest horizon of either ran. -#}
joined_arms as (

    select
        entries.campaign_id,
        entries.registry_id,
        min(others.entered_on) as other_arm_entered_on
    from entries
    inner join entries as others
        on
            entries.customer_id = others.customer_id
            and entries.registry_id <> others.registry_id
            and entries.arm <> others.arm
            and entries.entered_on > {{ days_before('others.entered_on', horizons | last) }}
            and others.entered_on > {{ days_before('entries.entered_on', horizons | last) }}
    group by entries.campaign_id, entries.registry_id

),

returns as (

    select
        entries.campaign_id,
        entries.registry_id,
        min(case when customer_days.order_count > 0 then customer_days.business_day end) as returned_on,
        {% for days in horizons -%}
            sum(
                case
                    when entries.entered_on >= {{ days_before('customer_days.business_day', days) }}
                        then customer_days.order_count
                    else 0
                end
            ) as orders_{{ days }}d,
            sum(
                case
                    when entries.entered_on >= {{ days_before('customer_days.business_day', days) }}
                        then customer_days.gross_amount - customer_days.discount_amount - customer_days.refund_amount
                    else 0
                end
            ) as revenue_{{ days }}d
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from entries
    inner join customer_days
        on entries.customer_id = customer_days.customer_id and entries.entered_on < customer_days.business_day
    group by entries.campaign_id, entries.registry_id

),

final as (

    select
        entries.campaign_id,
        entries.registry_id,
        entries.customer_id,
        entries.entered_on,
        entries.arm,
        entries.channel,
        entries.position,
        entries.owner,
        entries.silence_cause,
        entries.value_tier,
        entries.priority_score,
        entries.task_id,
        entries.entry_number,
        joined_arms.other_arm_entered_on,
        first_contacts.worked_at,
        first_contacts.worked_on,
        first_contacts.worked_from,
        first_contacts.outcome as contact_outcome,
        first_results.worked_on as result_on,
        first_results.outcome as result_outcome,
        returns.returned_on,
        {% for days in horizons -%}
            cast(coalesce(returns.orders_{{ days }}d, 0) as integer) as orders_{{ days }}d,
            cast(coalesce(returns.revenue_{{ days }}d, 0) as decimal(18, 2)) as revenue_{{ days }}d
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from entries
    left join joined_arms
        on entries.campaign_id = joined_arms.campaign_id and entries.registry_id = joined_arms.registry_id
    left join ranked_contacts as first_contacts
        on
            entries.campaign_id = first_contacts.campaign_id
            and entries.registry_id = first_contacts.registry_id
            and first_contacts.contact_number = 1
    left join ranked_contacts as first_results
        on
            entries.campaign_id = first_results.campaign_id
            and entries.registry_id = first_results.registry_id
            and first_results.worked_from = 'list_result'
            and first_results.number_of_its_kind = 1
    left join returns
        on entries.campaign_id = returns.campaign_id and entries.registry_id = returns.registry_id

)

select * from final
