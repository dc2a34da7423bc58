{{ config(meta={'day_column': 'evaluated_on'}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

backtests as (

    select * from {{ ref('int_reference_backtests') }}

),

totals as (

    select
        reference_on,
        next_revenue
    from backtests
    where dimension = 'value_tier' and class = 'total'

),

final as (

    select
        as_of_days.as_of_date as evaluated_on,
        backtests.reference_on as snapshot_on,
        backtests.standard_version,
        backtests.dimension,
        backtests.class,
        cast(backtests.customers as bigint) as customers,
        cast(backtests.repeat_customers as bigint) as repeat_customers,
        {{ ratio('backtests.repeat_customers', 'backtests.customers') }} as repeat_rate,
        backtests.next_revenue,
        {{ ratio('backtests.next_revenue', 'totals.next_revenue') }} as next_revenue_share,
        backtests.rank_correlation
    from as_of_days
    inner join reference_days on as_of_days.as_of_date = reference_days.as_of_date
    inner join backtests on reference_days.reference_on = backtests.reference_on
    inner join totals on backtests.reference_on = totals.reference_on
    {# The horizon of return rates, by which reference days are chosen, may be shorter than 90 days. -#}
    where reference_days.reference_on <= {{ days_before('as_of_days.as_of_date', 90) }}

)

select * from final
order by evaluated_on, snapshot_on, dimension, class
