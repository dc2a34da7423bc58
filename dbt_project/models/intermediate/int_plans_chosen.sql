{{ config(materialized='view') }}

{%- set dimensions = [
    'lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type', 'need_clarity', 'need_type', 'need_motive', 'cluster',
] -%}

with classified as (

    select * from {{ ref('int_customers_classified') }}
    where is_requested

),

matrices as (

    select * from {{ ref('int_matrices_placed') }}
    where is_requested

),

own_dimensions as (

    select * from {{ ref('int_own_dimensions_decided') }}
    where is_requested

),

plans as (

    select * from {{ source('control', 'plans') }}
    where dimension_position is not null

),

labels as (

    select * from {{ source('control', 'labels') }}

),

{#- Words stand in the configured language as labels do. -#}
languages as (

    select coalesce(bool_or(label = label_zh and label_zh <> label_en), false) as is_chinese
    from labels

),

{#- Numbered in the order in which they are tried. Of one dimension a customer has one class, so at most one plan. -#}
numbered_plans as (

    select
        dimension,
        class,
        aim_en,
        aim_zh,
        service_level,
        contact_days,
        row_number() over (order by dimension_position, class) as plan_number
    from plans

),

listed_classes as (

    select
        as_of_date,
        customer_id,
        matrix as dimension,
        quadrant as class
    from matrices
    union all
    select
        as_of_date,
        customer_id,
        dimension,
        class
    from own_dimensions

),

listed_plans as (

    select
        listed_classes.as_of_date,
        listed_classes.customer_id,
        min(numbered_plans.plan_number) as plan_number
    from listed_classes
    inner join numbered_plans
        on listed_classes.dimension = numbered_plans.dimension and listed_classes.class = numbered_plans.class
    group by listed_classes.as_of_date, listed_classes.customer_id

),

{#- least() passes over what is NULL: dimensions without a plan for the class. -#}
first_plans as (

    select
        classified.as_of_date,
        classified.customer_id,
        least(
            {% for dimension in dimensions %}
                {{ dimension }}_plans.plan_number,
            {% endfor %}
            listed_plans.plan_number
        ) as plan_number
    from classified
    left join listed_plans
        on classified.as_of_date = listed_plans.as_of_date and classified.customer_id = listed_plans.customer_id
    {% for dimension in dimensions %}
        left join numbered_plans as {{ dimension }}_plans
            on
                {{ dimension }}_plans.dimension = '{{ dimension }}'
                and classified.{{ dimension }} = {{ dimension }}_plans.class
    {% endfor %}

),

final as (

    select
        first_plans.as_of_date,
        first_plans.customer_id,
        numbered_plans.dimension as plan_dimension,
        numbered_plans.class as plan_class,
        case when languages.is_chinese then numbered_plans.aim_zh else numbered_plans.aim_en end as plan_aim,
        numbered_plans.service_level,
        numbered_plans.contact_days
    from first_plans
    cross join languages
    inner join numbered_plans on first_plans.plan_number = numbered_plans.plan_number

)

select * from final
