{{ config(meta={'day_column': 'evaluated_on'}) }}

with treated as (

    select * from {{ ref('reactivation_outcomes') }}
    where
        arm = 'treated'
        and evaluated_on in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)

),

campaign_days as (

    select * from {{ source('control', 'campaign_days') }}

),

final as (

    select
        treated.evaluated_on,
        treated.campaign_id,
        treated.channel,
        coalesce(treated.owner, 'unknown') as owner,
        count(*) as treated,
        count(*) filter (where treated.is_worked) as worked,
        {{ ratio('count(*) filter (where treated.is_worked)', 'count(*)') }} as share_worked,
        cast(
            {{
                ratio(
                    'cast(2 * ' ~ exact_median(
                        'cast(100 * treated.hours_to_first_contact as bigint)', 'decimal(18, 1)'
                    ) ~ ' as bigint)',
                    '200'
                )
            }} as decimal(12, 2)
        ) as median_hours_to_first_contact,
        count(*) filter (
            where not treated.is_worked and treated.returned_on is null and campaign_days.campaign_id is not null
        ) as open
    from treated
    left join campaign_days
        on treated.evaluated_on = campaign_days.as_of_date and treated.campaign_id = campaign_days.campaign_id
    group by treated.evaluated_on, treated.campaign_id, treated.channel, coalesce(treated.owner, 'unknown')

)

select * from final
order by evaluated_on, campaign_id, channel, owner
