{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        meta={'day_column': 'reference_on', 'replaced_days': 'is_reference'}
    )
}}

{#- Kept from run to run, as int_reference_predictions is. -#}

with curves as (

    select * from {{ ref('int_prediction_curves') }}

),

final as (

    select
        reference_on,
        standard_version,
        fitted_on,
        predictor,
        curve,
        place,
        counted_on,
        cast(actual as bigint) as actual,
        cast(predicted as decimal(28, 6)) as predicted
    from curves

)

select * from final
