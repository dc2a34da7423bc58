with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified or is_reference

),

standards as (

    select * from {{ source('control', 'standards') }}

),

{#-
    The grid of fit days is fixed, so that a day's fit is the same whichever days are computed with it; 2000-01-02 is a
    Sunday.
-#}
days as (

    select
        as_of_days.as_of_date,
        as_of_days.standard_version,
        as_of_days.is_requested,
        as_of_days.is_reference,
        standards.purchase_model,
        standards.refit_days,
        standards.least_buyers,
        standards.least_repeat_buyers,
        standards.yearly_discount,
        {{ days_between("date '2000-01-02'", 'as_of_days.as_of_date') }} as days_since
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version

),

final as (

    select
        as_of_date,
        standard_version,
        is_requested,
        is_reference,
        {{ days_before('as_of_date', '((days_since % refit_days) + refit_days) % refit_days') }} as fitted_on,
        purchase_model,
        {#- A simple rule needs no fit; one is made all the same, so that the two can be compared. -#}
        case
            when purchase_model in ('last_90_days', 'rfm_cells') then 'mbg_nbd'
            else purchase_model
        end as fitted_model,
        least_buyers,
        least_repeat_buyers,
        yearly_discount
    from days

)

select * from final
