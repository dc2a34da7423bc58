{{ config(meta={'by_days': true, 'by_customers': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

lifecycles as (

    select * from {{ ref('int_lifecycles_staged') }}
    where is_classified

),

customer_values as (

    select * from {{ ref('int_values_tiered') }}
    where is_classified

),

rfm as (

    select * from {{ ref('int_rfm_scored') }}
    where is_classified

),

needs as (

    select * from {{ ref('int_needs_determined') }}

),

clusters as (

    select * from {{ ref('int_clusters_assigned') }}

),

final as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        features.region,
        features.top_channel,
        features.industry,
        features.owner,
        features.revenue_window,
        lifecycles.lifecycle_stage,
        customer_values.value_tier,
        rfm.rfm_segment,
        rfm.rfm_type,
        needs.need_clarity,
        needs.need_type,
        needs.need_motive,
        clusters.cluster
    from features
    inner join lifecycles
        on features.as_of_date = lifecycles.as_of_date and features.customer_id = lifecycles.customer_id
    inner join customer_values
        on features.as_of_date = customer_values.as_of_date and features.customer_id = customer_values.customer_id
    inner join rfm
        on features.as_of_date = rfm.as_of_date and features.customer_id = rfm.customer_id
    inner join needs
        on features.as_of_date = needs.as_of_date and features.customer_id = needs.customer_id
    left join clusters
        on features.as_of_date = clusters.as_of_date and features.customer_id = clusters.customer_id

)

select * from final
