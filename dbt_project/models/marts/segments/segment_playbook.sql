{{ config(materialized='table') }}

with plans as (

    select * from {{ source('control', 'plans') }}

),

dimensions as (

    select * from {{ source('control', 'dimensions') }}

),

labels as (

    select * from {{ source('control', 'labels') }}

),

final as (

    select
        plans.dimension,
        coalesce(dimensions.label_en, plans.dimension) as dimension_label_en,
        coalesce(dimensions.label_zh, plans.dimension) as dimension_label_zh,
        plans.dimension_position,
        plans.class,
        coalesce(labels.label_en, plans.class) as class_label_en,
        coalesce(labels.label_zh, plans.class) as class_label_zh,
        labels.ordinal as class_position,
        plans.aim_en,
        plans.aim_zh,
        plans.actions_en,
        plans.actions_zh,
        plans.channels,
        plans.service_level,
        plans.contact_days,
        plans.budget_share,
        plans.feature_en,
        plans.feature_zh,
        plans.advantage_en,
        plans.advantage_zh,
        plans.benefit_en,
        plans.benefit_zh,
        plans.evidence_en,
        plans.evidence_zh
    from plans
    left join dimensions on plans.dimension = dimensions.dimension
    left join labels on plans.dimension = labels.dimension and plans.class = labels.code

)

select * from final
order by dimension, class
