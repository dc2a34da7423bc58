{{ config(meta={'day_column': 'evaluated_on'}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

curves as (

    select * from {{ ref('int_reference_curves') }}

),

final as (

    select
        as_of_days.as_of_date as evaluated_on,
        curves.reference_on as snapshot_on,
        curves.curve,
        curves.place,
        curves.counted_on,
        curves.standard_version,
        curves.fitted_on,
        curves.predictor,
        curves.actual,
        curves.predicted
    from as_of_days
    inner join reference_days on as_of_days.as_of_date = reference_days.as_of_date
    inner join curves on reference_days.reference_on = curves.reference_on
    {# The horizon of return rates, by which reference days are chosen, may be shorter than 90 days. -#}
    where reference_days.reference_on <= {{ days_before('as_of_days.as_of_date', 90) }}
    qualify curves.reference_on = max(curves.reference_on) over (partition by as_of_days.as_of_date)

)

select * from final
order by evaluated_on, curve, place
