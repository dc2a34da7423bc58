{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        meta={'by_days': true, 'day_column': 'reference_on', 'replaced_days': 'is_reference'}
    )
}}

{#- Kept from run to run, so that a daily run learns from twelve month ends without computing them again. -#}

with silences as (

    select * from {{ ref('int_silences_banded') }}
    where as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_reference)

),

standards as (

    select * from {{ source('control', 'standards') }}

),

order_days as (

    select
        customer_id,
        business_day
    from {{ ref('int_customer_days') }}
    where order_count > 0

),

outcomes as (

    select
        silences.as_of_date,
        silences.customer_id,
        silences.standard_version,
        silences.silence_ratio_band,
        silences.value_tier,
        silences.order_count_band,
        count(order_days.business_day) > 0 as has_returned
    from silences
    inner join standards on silences.standard_version = standards.standard_version
    left join order_days
        on
            silences.customer_id = order_days.customer_id
            and silences.as_of_date < order_days.business_day
            and silences.as_of_date >= {{ days_before('order_days.business_day', 'standards.return_horizon_days') }}
    group by
        silences.as_of_date,
        silences.customer_id,
        silences.standard_version,
        silences.silence_ratio_band,
        silences.value_tier,
        silences.order_count_band

),

final as (

    select
        as_of_date as reference_on,
        silence_ratio_band,
        value_tier,
        order_count_band,
        count(*) as customers,
        count(*) filter (where has_returned) as returned
    from outcomes
    group by as_of_date, silence_ratio_band, value_tier, order_count_band

)

select * from final
