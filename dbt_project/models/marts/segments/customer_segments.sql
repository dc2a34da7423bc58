with features as (

    select * from {{ ref('customer_features') }}
    where as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

lifecycle as (

    select * from {{ ref('customer_lifecycle') }}

),

customer_values as (

    select * from {{ ref('customer_value') }}

),

labels as (

    select * from {{ source('control', 'labels') }}

),

final as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.kind,
        features.industry,
        features.company_size,
        features.region,
        features.city,
        features.decision_role,
        features.member_level,
        features.owner,
        lifecycle.lifecycle_stage,
        coalesce(stage_labels.label, lifecycle.lifecycle_stage) as lifecycle_stage_label,
        lifecycle.lifecycle_reason,
        lifecycle.is_loyal,
        lifecycle.days_silent,
        lifecycle.silence_limit_days,
        lifecycle.churn_limit_days,
        rfm.r_score,
        rfm.f_score,
        rfm.m_score,
        rfm.rfm_score,
        rfm.rfm_cell,
        rfm.rfm_segment,
        coalesce(segment_labels.label, rfm.rfm_segment) as rfm_segment_label,
        rfm.rfm_type,
        coalesce(type_labels.label, rfm.rfm_type) as rfm_type_label,
        rfm.rfm_reason,
        customer_values.value_tier,
        coalesce(tier_labels.label, customer_values.value_tier) as value_tier_label,
        customer_values.value_reason,
        customer_values.value_share,
        customer_values.cumulative_value_share,
        features.first_order_on,
        features.last_order_on,
        features.recency_days,
        features.tenure_days,
        features.order_count,
        features.order_days,
        features.revenue,
        features.average_order_value,
        features.order_count_window,
        features.revenue_window
    from features
    inner join rfm
        on features.as_of_date = rfm.as_of_date and features.customer_id = rfm.customer_id
    inner join lifecycle
        on features.as_of_date = lifecycle.as_of_date and features.customer_id = lifecycle.customer_id
    inner join customer_values
        on features.as_of_date = customer_values.as_of_date and features.customer_id = customer_values.customer_id
    left join labels as stage_labels
        on stage_labels.dimension = 'lifecycle_stage' and lifecycle.lifecycle_stage = stage_labels.code
    left join labels as segment_labels
        on segment_labels.dimension = 'rfm_segment' and rfm.rfm_segment = segment_labels.code
    left join labels as type_labels
        on type_labels.dimension = 'rfm_type' and rfm.rfm_type = type_labels.code
    left join labels as tier_labels
        on tier_labels.dimension = 'value_tier' and customer_values.value_tier = tier_labels.code

)

select * from final
order by as_of_date, customer_id
