{%- set dimensions = ['lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type'] -%}

with segments as (

    select * from {{ ref('customer_segments') }}
    where as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)

),

labels as (

    select * from {{ source('control', 'labels') }}

),

totals as (

    select
        as_of_date,
        count(*) as customers,
        sum(revenue_window) as revenue_window
    from segments
    group by as_of_date

),

counted as (

    {% for dimension in dimensions %}
        select
            as_of_date,
            standard_version,
            '{{ dimension }}' as dimension,
            {{ dimension }} as class,
            'total' as breakdown,
            'total' as breakdown_class,
            count(*) as customers,
            sum(revenue_window) as revenue_window
        from segments
        group by as_of_date, standard_version, {{ dimension }}
        union all
        select
            as_of_date,
            standard_version,
            '{{ dimension }}' as dimension,
            {{ dimension }} as class,
            'value_tier' as breakdown,
            value_tier as breakdown_class,
            count(*) as customers,
            sum(revenue_window) as revenue_window
        from segments
        group by as_of_date, standard_version, {{ dimension }}, value_tier
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

final as (

    select
        counted.as_of_date,
        counted.standard_version,
        counted.dimension,
        counted.class,
        coalesce(labels.label, counted.class) as class_label,
        counted.breakdown,
        counted.breakdown_class,
        cast(counted.customers as bigint) as customers,
        {{ ratio('counted.customers', 'totals.customers') }} as customer_share,
        cast(counted.revenue_window as decimal(18, 2)) as revenue_window,
        {{ ratio('counted.revenue_window', 'totals.revenue_window') }} as revenue_share
    from counted
    inner join totals on counted.as_of_date = totals.as_of_date
    left join labels on counted.dimension = labels.dimension and counted.class = labels.code

)

select * from final
order by as_of_date, dimension, class, breakdown, breakdown_class
