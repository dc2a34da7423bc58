{{ config(meta={'by_days': true}) }}

with flagged as (

    select * from {{ ref('int_behaviours_flagged') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_high_frequency,
        high_frequency_cut,
        is_trial_converted,
        is_at_risk,
        at_risk_reason,
        is_potential_buyer
    from flagged

)

select * from final
order by as_of_date, customer_id
