with summary as (

    select * from {{ ref('segment_summary') }}
    where
        breakdown = 'total'
        and as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)

),

as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

standards as (

    select * from {{ source('control', 'standards') }}

),

dimensions as (

    select * from {{ source('control', 'dimensions') }}

),

matrix_axes as (

    select * from {{ source('control', 'matrix_axes') }}

),

own_dimensions as (

    select * from {{ source('control', 'own_dimensions') }}

),

plans as (

    select * from {{ source('control', 'plans') }}
    where budget_share is not null

),

budget as (

    select * from {{ source('control', 'budget') }}

),

labels as (

    select * from {{ source('control', 'labels') }}

),

{#- A dimension that the day's standard does not have has nobody to spend on. -#}
decided_dimensions as (

    select
        standards.standard_version,
        dimensions.dimension
    from standards
    cross join dimensions
    where dimensions.kind = 'fixed' or (dimensions.kind = 'cluster' and standards.has_clusters)
    union
    select
        standard_version,
        matrix as dimension
    from matrix_axes
    union
    select
        standard_version,
        dimension
    from own_dimensions

),

totals as (

    select
        as_of_date,
        sum(revenue_window) as revenue_window
    from summary
    where dimension = 'value_tier'
    group by as_of_date

),

planned as (

    select
        as_of_days.as_of_date,
        as_of_days.standard_version,
        plans.dimension,
        plans.class,
        plans.budget_share,
        cast(round(budget.budget * plans.budget_share, 2) as decimal(18, 2)) as budget_amount
    from as_of_days
    inner join decided_dimensions on as_of_days.standard_version = decided_dimensions.standard_version
    inner join plans on decided_dimensions.dimension = plans.dimension
    cross join budget

),

final as (

    select
        planned.as_of_date,
        planned.standard_version,
        planned.dimension,
        planned.class,
        coalesce(labels.label, planned.class) as class_label,
        coalesce(summary.customers, 0) as customers,
        planned.budget_share,
        planned.budget_amount,
        {{ ratio('planned.budget_amount', 'summary.customers') }} as spend_per_customer,
        cast(coalesce(summary.revenue_window, 0) as decimal(18, 2)) as revenue_window,
        {{ ratio('coalesce(summary.revenue_window, 0)', 'totals.revenue_window') }} as revenue_share,
        {{ ratio('summary.revenue_window', 'summary.customers') }} as value_per_customer,
        {{ ratio('planned.budget_amount', 'summary.revenue_window') }} as spend_per_value
    from planned
    left join summary
        on
            planned.as_of_date = summary.as_of_date
            and planned.dimension = summary.dimension
            and planned.class = summary.class
    left join totals on planned.as_of_date = totals.as_of_date
    left join labels on planned.dimension = labels.dimension and planned.class = labels.code

)

select * from final
order by as_of_date, dimension, class
