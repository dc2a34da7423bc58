with cut_points as (

    select * from {{ ref('int_rfm_cut_points') }}
    where is_requested

),

final as (

    select
        as_of_date,
        standard_version,
        purpose,
        measure,
        cut_number,
        cut_value
    from cut_points

)

select * from final
order by as_of_date, purpose, measure, cut_number
