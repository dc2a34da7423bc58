{{ config(materialized='view') }}

{#- Open opportunities as their newest version valid on the day says: before a first version nothing is known. -#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

opportunity_stages as (

    select * from {{ source('control', 'opportunity_stages') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

rates as (

    select * from {{ ref('int_exchange_rates_dated') }}

),

versions as (

    select
        *,
        {{ valid_to_next_version(['source', 'opportunity_id']) }} as valid_to
    from {{ ref('stg_opportunities') }}

),

stated as (

    select
        as_of_days.as_of_date,
        aliases.customer_id,
        cast(
            cast(versions.amount as decimal(20, 2)) * {{ reporting_rate('versions.currency', 'rates.rate') }}
            as decimal(28, 10)
        ) * versions.probability as expected_amount,
        versions.expected_close_on,
        versions.urgency,
        coalesce(opportunity_stages.is_explicit, false) as is_explicit
    from as_of_days
    inner join versions
        on as_of_days.as_of_date >= versions.valid_from and as_of_days.as_of_date < versions.valid_to
    inner join aliases
        on versions.source = aliases.source and versions.customer_ref = aliases.customer_ref
    left join rates
        on
            versions.currency = rates.currency
            and as_of_days.as_of_date >= rates.valid_from
            and as_of_days.as_of_date < rates.valid_to
    left join opportunity_stages
        on
            as_of_days.standard_version = opportunity_stages.standard_version
            and versions.stage = opportunity_stages.stage
    where versions.status = 'open' and not versions.is_deleted

),

final as (

    select
        as_of_date,
        customer_id,
        cast(count(*) as integer) as open_opportunities,
        cast(sum(expected_amount) as decimal(24, 6)) as open_opportunity_value,
        cast({{ days_between('as_of_date', 'min(expected_close_on)') }} as integer) as days_to_close,
        case
            when bool_or(urgency = 'high') then 'high'
            when bool_or(urgency = 'medium') then 'medium'
            when bool_or(urgency = 'low') then 'low'
        end as stated_urgency,
        bool_or(is_explicit) as has_explicit_opportunity
    from stated
    group by as_of_date, customer_id

)

select * from final
