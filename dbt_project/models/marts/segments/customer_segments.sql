{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}
    where is_requested

),

rfm as (

    select * from {{ ref('int_rfm_scored') }}
    where is_requested

),

lifecycles as (

    select * from {{ ref('int_lifecycles_staged') }}
    where is_requested

),

customer_values as (

    select * from {{ ref('int_values_tiered') }}
    where is_requested

),

scores as (

    select * from {{ ref('int_customer_scores') }}
    where is_requested

),

needs as (

    select * from {{ ref('int_needs_determined') }}
    where is_requested

),

clusters as (

    select * from {{ ref('int_clusters_assigned') }}
    where is_requested

),

behaviours as (

    select * from {{ ref('int_behaviours_flagged') }}
    where is_requested

),

plans as (

    select * from {{ ref('int_plans_chosen') }}

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
        lifecycles.lifecycle_stage,
        coalesce(stage_labels.label, lifecycles.lifecycle_stage) as lifecycle_stage_label,
        lifecycles.lifecycle_reason,
        lifecycles.is_loyal,
        lifecycles.days_silent,
        lifecycles.silence_limit_days,
        lifecycles.churn_limit_days,
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
        scores.value_score,
        scores.potential_score,
        scores.potential_factors_known,
        scores.urgency_score,
        needs.need_clarity,
        needs.need_type,
        needs.need_motive,
        needs.satisfaction,
        needs.satisfaction_on,
        clusters.cluster,
        behaviours.is_high_frequency,
        behaviours.is_trial_converted,
        behaviours.is_at_risk,
        behaviours.is_potential_buyer,
        features.first_order_on,
        features.last_order_on,
        features.recency_days,
        features.tenure_days,
        features.order_count,
        features.order_days,
        features.revenue,
        features.average_order_value,
        features.order_count_window,
        features.revenue_window,
        features.top_channel,
        plans.plan_dimension,
        plans.plan_class,
        plans.plan_aim,
        plans.service_level,
        plans.contact_days
    from features
    inner join rfm
        on features.as_of_date = rfm.as_of_date and features.customer_id = rfm.customer_id
    inner join lifecycles
        on features.as_of_date = lifecycles.as_of_date and features.customer_id = lifecycles.customer_id
    inner join customer_values
        on features.as_of_date = customer_values.as_of_date and features.customer_id = customer_values.customer_id
    inner join scores
        on features.as_of_date = scores.as_of_date and features.customer_id = scores.customer_id
    inner join needs
        on features.as_of_date = needs.as_of_date and features.customer_id = needs.customer_id
    inner join behaviours
        on features.as_of_date = behaviours.as_of_date and features.customer_id = behaviours.customer_id
    left join clusters
        on features.as_of_date = clusters.as_of_date and features.customer_id = clusters.customer_id
    left join plans
        on features.as_of_date = plans.as_of_date and features.customer_id = plans.customer_id
    left join labels as stage_labels
        on stage_labels.dimension = 'lifecycle_stage' and lifecycles.lifecycle_stage = stage_labels.code
    left join labels as segment_labels
        on segment_labels.dimension = 'rfm_segment' and rfm.rfm_segment = segment_labels.code
    left join labels as type_labels
        on type_labels.dimension = 'rfm_type' and rfm.rfm_type = type_labels.code
    left join labels as tier_labels
        on tier_labels.dimension = 'value_tier' and customer_values.value_tier = tier_labels.code

)

select * from final
order by as_of_date, customer_id
