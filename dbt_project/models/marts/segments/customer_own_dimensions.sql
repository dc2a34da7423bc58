{{ config(meta={'by_days': true}) }}

with decided as (

    select * from {{ ref('int_own_dimensions_decided') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        dimension,
        class,
        rule_number
    from decided

)

select * from final
order by as_of_date, customer_id, dimension
