{{ config(meta={'by_days': true}) }}

with scored as (

    select * from {{ ref('int_rfm_scored') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        r_score,
        f_score,
        m_score,
        rfm_score,
        rfm_cell,
        rfm_segment,
        rfm_type,
        rfm_reason
    from scored

)

select * from final
order by as_of_date, customer_id
