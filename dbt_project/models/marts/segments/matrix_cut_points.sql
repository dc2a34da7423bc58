with cut_points as (

    select * from {{ ref('int_matrix_cut_points') }}
    where is_requested

),

final as (

    select
        as_of_date,
        standard_version,
        matrix,
        axis,
        measure,
        cut_method,
        cut_value
    from cut_points

)

select * from final
order by as_of_date, matrix, axis
