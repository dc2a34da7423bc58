{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        meta={'day_column': 'reference_on', 'replaced_days': 'is_reference'}
    )
}}

{#- Kept from run to run, as int_reference_outcomes is. -#}

with backtested as (

    select * from {{ ref('int_predictions_backtested') }}

),

final as (

    select
        reference_on,
        standard_version,
        fitted_on,
        predictor,
        ranked_by,
        tenth,
        cast(customers as decimal(18, 1)) as customers,
        cast(actual_purchases as decimal(28, 6)) as actual_purchases,
        cast(predicted_purchases as decimal(28, 6)) as predicted_purchases,
        cast(actual_value as decimal(28, 6)) as actual_value,
        cast(predicted_value as decimal(28, 6)) as predicted_value,
        cast(actual_customers as decimal(28, 6)) as actual_customers,
        cast(predicted_customers as decimal(28, 6)) as predicted_customers,
        cast(rank_correlation as decimal(18, 6)) as rank_correlation,
        cast(top_tenth_share as decimal(18, 6)) as top_tenth_share,
        cast(oracle_top_tenth_share as decimal(18, 6)) as oracle_top_tenth_share
    from backtested

)

select * from final
