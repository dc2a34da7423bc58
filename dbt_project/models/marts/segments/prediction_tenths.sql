{{ config(meta={'day_column': 'evaluated_on'}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

backtests as (

    select * from {{ ref('int_reference_predictions') }}
    where tenth is not null

),

final as (

    select
        as_of_days.as_of_date as evaluated_on,
        backtests.reference_on as snapshot_on,
        backtests.ranked_by,
        backtests.tenth,
        backtests.standard_version,
        backtests.predictor,
        backtests.customers,
        backtests.actual_purchases,
        backtests.predicted_purchases,
        backtests.actual_value,
        backtests.predicted_value,
        backtests.actual_customers,
        backtests.predicted_customers
    from as_of_days
    inner join reference_days on as_of_days.as_of_date = reference_days.as_of_date
    inner join backtests on reference_days.reference_on = backtests.reference_on
    {# The horizon of return rates, by which reference days are chosen, may be shorter than 90 days. -#}
    where reference_days.reference_on <= {{ days_before('as_of_days.as_of_date', 90) }}

)

select * from final
order by evaluated_on, snapshot_on, ranked_by, tenth
