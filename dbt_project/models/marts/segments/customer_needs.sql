{{ config(meta={'by_days': true}) }}

with determined as (

    select * from {{ ref('int_needs_determined') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        need_clarity,
        clarity_reason,
        need_type,
        type_reason,
        type_percentile,
        need_motive,
        satisfaction,
        satisfaction_on
    from determined

)

select * from final
order by as_of_date, customer_id
