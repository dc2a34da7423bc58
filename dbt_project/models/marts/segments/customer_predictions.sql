{{ config(meta={'by_days': true}) }}

{#- Of fewer order days the ratio of actual to predicted ones is off by more than 5% by chance alone. -#}
{%- set least_purchases = 400 -%}

with predictions as (

    select * from {{ ref('int_customers_predicted') }}
    where is_requested

),

as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

standards as (

    select * from {{ source('control', 'standards') }}

),

reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

backtests as (

    select * from {{ ref('int_reference_predictions') }}
    where tenth is null

),

latest as (

    select
        as_of_days.as_of_date,
        standards.purchase_model,
        max(backtests.reference_on) as corrected_from
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join reference_days on as_of_days.as_of_date = reference_days.as_of_date
    inner join backtests
        on reference_days.reference_on = backtests.reference_on and standards.purchase_model = backtests.predictor
    {# The horizon of return rates, by which reference days are chosen, may be shorter than 90 days. -#}
    where
        standards.has_level_correction
        and backtests.reference_on <= {{ days_before('as_of_days.as_of_date', 90) }}
    group by as_of_days.as_of_date, standards.purchase_model

),

corrections as (

    select
        latest.as_of_date,
        latest.corrected_from,
        {{ fine_ratio('backtests.actual_purchases', 'backtests.predicted_purchases') }} as purchases_correction,
        {{ fine_ratio('backtests.actual_value', 'backtests.predicted_value') }} as value_correction
    from latest
    inner join backtests
        on latest.corrected_from = backtests.reference_on and latest.purchase_model = backtests.predictor
    where
        backtests.actual_purchases >= {{ least_purchases }}
        and backtests.predicted_purchases > 0
        and backtests.actual_value > 0
        and backtests.predicted_value > 0

),

final as (

    select
        predictions.as_of_date,
        predictions.customer_id,
        predictions.standard_version,
        predictions.probability_alive,
        predictions.probability_order_90d,
        cast(
            predictions.expected_purchases_90d * coalesce(corrections.purchases_correction, 1) as decimal(18, 6)
        ) as expected_purchases_90d,
        predictions.expected_order_value,
        cast(
            predictions.expected_value_90d * coalesce(corrections.value_correction, 1) as decimal(18, 6)
        ) as expected_value_90d,
        predictions.expected_value_365d,
        predictions.expected_next_order_on,
        predictions.expected_purchases_90d as raw_purchases_90d,
        predictions.expected_value_90d as raw_value_90d,
        cast(coalesce(corrections.purchases_correction, 1) as decimal(18, 6)) as purchases_correction,
        cast(coalesce(corrections.value_correction, 1) as decimal(18, 6)) as value_correction,
        corrections.corrected_from,
        predictions.model,
        predictions.fitted_on,
        predictions.parameters_version,
        predictions.missing_reason
    from predictions
    left join corrections on predictions.as_of_date = corrections.as_of_date

)

select * from final
order by as_of_date, customer_id
