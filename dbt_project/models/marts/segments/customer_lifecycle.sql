{{ config(meta={'by_days': true}) }}

with staged as (

    select * from {{ ref('int_lifecycles_staged') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        lifecycle_stage,
        lifecycle_reason,
        limit_basis,
        silence_limit_days,
        churn_limit_days,
        longest_gap_closed_days,
        days_silent,
        is_loyal
    from staged

)

select * from final
order by as_of_date, customer_id
