{{ config(meta={'by_days': true}) }}

with measured as (

    select * from {{ ref('int_customers_measured') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

grid as (

    select * from {{ source('control', 'rfm_grid') }}

),

cut_points as (

    select * from {{ ref('int_rfm_cut_points') }}

),

cuts as (

    select
        as_of_date,
        {{ pivoted_rfm_cuts() }}
    from cut_points
    group by as_of_date

),

comparable as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        measured.is_classified,
        measured.order_count,
        measured.order_count_window,
        standards.rfm_method,
        standards.has_grid,
        standards.recency_weight,
        standards.frequency_weight,
        standards.monetary_weight,
        cast(-measured.recency_days as decimal(18, 2)) as r_value,
        cast(measured.order_count_window as decimal(18, 2)) as f_value,
        measured.revenue_window as m_value
    from measured
    inner join standards on measured.standard_version = standards.standard_version

),

scores as (

    select
        comparable.*,
        case when comparable.order_count_window > 0 then {{ rfm_score_of('r') }} end as r_score,
        case when comparable.order_count_window > 0 then {{ rfm_score_of('f') }} end as f_score,
        case when comparable.order_count_window > 0 then {{ rfm_score_of('m') }} end as m_score,
        {{ is_rfm_high('r') }} as is_r_high,
        {{ is_rfm_high('f') }} as is_f_high,
        {{ is_rfm_high('m') }} as is_m_high
    from comparable
    left join cuts on comparable.as_of_date = cuts.as_of_date

),

final as (

    select
        scores.as_of_date,
        scores.customer_id,
        scores.standard_version,
        scores.is_requested,
        scores.is_classified,
        cast(scores.r_score as integer) as r_score,
        cast(scores.f_score as integer) as f_score,
        cast(scores.m_score as integer) as m_score,
        cast(
            scores.r_score * scores.recency_weight
            + scores.f_score * scores.frequency_weight
            + scores.m_score * scores.monetary_weight as decimal(18, 6)
        ) as rfm_score,
        cast(scores.r_score as varchar)
        || cast(scores.f_score as varchar)
        || cast(scores.m_score as varchar) as rfm_cell,
        case
            when scores.order_count = 0 then 'prospect'
            when scores.order_count_window = 0 then 'out_of_window'
            when not scores.has_grid then 'ungraded'
            else grid.rfm_segment
        end as rfm_segment,
        case
            when scores.order_count = 0 then 'prospect'
            when scores.order_count_window = 0 then 'out_of_window'
            else
                case when scores.is_m_high then 'important_' else 'general_' end
                || case
                    when scores.is_r_high and scores.is_f_high then 'value'
                    when scores.is_r_high then 'develop'
                    when scores.is_f_high then 'keep'
                    else 'winback'
                end
        end as rfm_type,
        case
            when scores.order_count = 0 then 'no_counted_order'
            when scores.order_count_window = 0 then 'no_order_in_window'
            else 'scored_by_' || scores.rfm_method
        end as rfm_reason
    from scores
    left join grid
        on
            scores.standard_version = grid.standard_version
            and scores.r_score = grid.r_score
            and scores.f_score = grid.f_score

)

select * from final
