{{ config(meta={'day_column': 'evaluated_on'}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

entries as (

    select * from {{ ref('int_entries_followed') }}
    where entry_number = 1

),

{#- A list is issued after its day was built: on the day itself nothing is known of it, first run or not. -#}
known as (

    select
        as_of_days.as_of_date as evaluated_on,
        entries.*,
        coalesce(entries.worked_on <= as_of_days.as_of_date, false) as is_worked,
        coalesce(entries.result_on <= as_of_days.as_of_date, false) as has_result,
        entries.entered_on <= {{ days_before('as_of_days.as_of_date', 30) }} as has_30_days,
        entries.entered_on <= {{ days_before('as_of_days.as_of_date', 60) }} as has_60_days,
        entries.entered_on <= {{ days_before('as_of_days.as_of_date', 90) }} as has_90_days
    from as_of_days
    inner join entries on as_of_days.as_of_date > entries.entered_on

),

final as (

    select
        evaluated_on,
        campaign_id,
        registry_id,
        customer_id,
        entered_on,
        arm,
        channel,
        owner,
        silence_cause,
        value_tier,
        priority_score,
        coalesce(other_arm_entered_on < evaluated_on, false) as is_contaminated,
        is_worked,
        case when is_worked then worked_at end as worked_at,
        case when is_worked then worked_from end as worked_from,
        case when has_result then result_outcome when is_worked then contact_outcome end as outcome,
        case
            when is_worked
                then
                    cast(
                        {{
                            ratio(
                                'greatest(0, ' ~ microseconds_between(
                                    business_day_start(days_before('entered_on', -1)), 'worked_at'
                                ) ~ ')',
                                '3600000000'
                            )
                        }} as decimal(12, 2)
                    )
        end as hours_to_first_contact,
        case when returned_on <= evaluated_on then returned_on end as returned_on,
        has_30_days,
        has_60_days,
        has_90_days,
        case when has_30_days then orders_30d > 0 end as returned_30d,
        case when has_60_days then orders_60d > 0 end as returned_60d,
        case when has_90_days then orders_90d > 0 end as returned_90d,
        case when has_30_days then revenue_30d end as revenue_30d,
        case when has_60_days then revenue_60d end as revenue_60d,
        case when has_90_days then revenue_90d end as revenue_90d,
        case when has_30_days then orders_30d end as orders_30d,
        case when has_60_days then orders_60d end as orders_60d,
        case when has_90_days then orders_90d end as orders_90d
    from known

)

select * from final
order by evaluated_on, campaign_id, registry_id
