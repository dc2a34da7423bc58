{{ config(meta={'by_days': true}) }}

with tiered as (

    select * from {{ ref('int_values_tiered') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        value_measure,
        value,
        value_tier,
        value_reason,
        share_above,
        value_share,
        cumulative_value_share
    from tiered

)

select * from final
order by as_of_date, customer_id
