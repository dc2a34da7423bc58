{{ config(meta={'by_days': true}) }}

with placed as (

    select * from {{ ref('int_matrices_placed') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        matrix,
        x_value,
        y_value,
        is_x_high,
        is_y_high,
        quadrant
    from placed

)

select * from final
order by as_of_date, customer_id, matrix
