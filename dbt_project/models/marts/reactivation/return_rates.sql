with reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

standards as (

    select * from {{ source('control', 'standards') }}

),

outcomes as (

    select * from {{ ref('int_reference_outcomes') }}

),

learnt as (

    select
        reference_days.as_of_date,
        outcomes.silence_ratio_band,
        outcomes.value_tier,
        outcomes.order_count_band,
        sum(outcomes.customers) as customers,
        sum(outcomes.returned) as returned
    from reference_days
    inner join outcomes on reference_days.reference_on = outcomes.reference_on
    group by
        reference_days.as_of_date,
        outcomes.silence_ratio_band,
        outcomes.value_tier,
        outcomes.order_count_band

),

overall as (

    select
        as_of_date,
        sum(customers) as customers,
        sum(returned) as returned
    from learnt
    group by as_of_date

),

{#- A band that no month end knew is given the overall rate; it needs a row to say so. -#}
bands as (

    select
        as_of_date,
        silence_ratio_band,
        value_tier,
        order_count_band
    from learnt
    union
    select
        as_of_date,
        silence_ratio_band,
        value_tier,
        order_count_band
    from {{ ref('int_silences_banded') }}
    where is_requested

),

final as (

    select
        bands.as_of_date,
        cast(bands.silence_ratio_band as integer) as silence_ratio_band,
        bands.value_tier,
        cast(bands.order_count_band as integer) as order_count_band,
        cast(coalesce(learnt.customers, 0) as bigint) as customers,
        cast(coalesce(learnt.returned, 0) as bigint) as returned,
        {{ ratio('overall.returned', 'overall.customers') }} as overall_return_rate,
        {{ ratio(
            'coalesce(learnt.returned, 0) * overall.customers + standards.return_prior_weight * overall.returned',
            '(coalesce(learnt.customers, 0) + standards.return_prior_weight) * overall.customers'
        ) }} as return_rate
    from bands
    inner join as_of_days on bands.as_of_date = as_of_days.as_of_date
    inner join standards on as_of_days.standard_version = standards.standard_version
    left join overall on bands.as_of_date = overall.as_of_date
    left join learnt
        on
            bands.as_of_date = learnt.as_of_date
            and bands.silence_ratio_band = learnt.silence_ratio_band
            and bands.value_tier = learnt.value_tier
            and bands.order_count_band = learnt.order_count_band

)

select * from final
order by as_of_date, silence_ratio_band, value_tier, order_count_band
