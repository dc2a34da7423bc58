{#- In two sets: classes that follow from the same measures go together, which keeps the first grouping small. -#}
{%- set dimension_sets = [
    ['lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type'],
    ['need_clarity', 'need_type', 'need_motive', 'cluster'],
] -%}
{%- set breakdowns = {'region': 'region', 'channel': 'top_channel', 'industry': 'industry', 'owner': 'owner'} -%}

with classified as (

    select * from {{ ref('int_customers_classified') }}
    where is_requested

),

fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}
    where is_requested

),

other_classes as (

    select * from {{ ref('int_other_classes_fingerprinted') }}

),

labels as (

    select * from {{ source('control', 'labels') }}

),

customers as (

    select
        classified.as_of_date,
        classified.standard_version,
        classified.revenue_window,
        {% for dimension in dimension_sets | sum(start=[]) if dimension != 'cluster' -%}
            classified.{{ dimension }},
        {% endfor -%}
        fingerprints.cluster,
        fingerprints.other_fingerprint,
        {% for column in breakdowns.values() -%}
            coalesce(classified.{{ column }}, 'unknown') as {{ column }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from classified
    inner join fingerprints
        on classified.as_of_date = fingerprints.as_of_date and classified.customer_id = fingerprints.customer_id

),

{#- The one pass over customers. Everything after it works on groups. -#}
grouped as (

    select
        as_of_date,
        standard_version,
        {% for dimension in dimension_sets | sum(start=[]) -%}
            {{ dimension }},
        {% endfor -%}
        other_fingerprint,
        {% for breakdown, column in breakdowns.items() -%}
            {{ column }},
            grouping({{ column }}) = 0 as is_by_{{ breakdown }},
        {% endfor -%}
        case
            when grouping(lifecycle_stage) = 0 then 1
            when grouping(need_clarity) = 0 then 2
            else 3
        end as dimension_set,
        count(*) as customers,
        sum(revenue_window) as revenue_window
    from customers
    group by grouping sets ( -- noqa: PRS
        {% for column in breakdowns.values() -%}
            {% for dimensions in dimension_sets -%}
                (as_of_date, standard_version, value_tier, {{ dimensions | reject('equalto', 'value_tier') | join(', ') }}, {{ column }}),
            {% endfor -%}
            (as_of_date, standard_version, value_tier, other_fingerprint, {{ column }})
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    )

),

{#- Any one breakdown holds every customer, so that the totals and tiers are taken from the first. -#}
broken_down as (

    {% for breakdown, column in breakdowns.items() -%}
        select
            grouped.*,
            '{{ breakdown }}' as breakdown,
            {{ column }} as breakdown_class
        from grouped
        where is_by_{{ breakdown }}
        union all
    {% endfor -%}
    select
        grouped.*,
        'value_tier' as breakdown,
        value_tier as breakdown_class
    from grouped
    where is_by_region
    union all
    select
        grouped.*,
        'total' as breakdown,
        'total' as breakdown_class
    from grouped
    where is_by_region

),

classes as (

    {% for dimensions in dimension_sets -%}
        {% set dimension_set = loop.index -%}
        {% for dimension in dimensions -%}
            select
                as_of_date,
                standard_version,
                '{{ dimension }}' as dimension,
                {{ dimension }} as class,
                breakdown,
                breakdown_class,
                customers,
                revenue_window
            from broken_down
            where dimension_set = {{ dimension_set }} and {{ dimension }} is not null
            union all
        {% endfor -%}
    {% endfor -%}
    select
        broken_down.as_of_date,
        broken_down.standard_version,
        other_classes.dimension,
        other_classes.class,
        broken_down.breakdown,
        broken_down.breakdown_class,
        broken_down.customers,
        broken_down.revenue_window
    from broken_down
    inner join other_classes on broken_down.other_fingerprint = other_classes.other_fingerprint
    where broken_down.dimension_set = 3

),

counted as (

    select
        as_of_date,
        standard_version,
        dimension,
        class,
        breakdown,
        breakdown_class,
        sum(customers) as customers,
        sum(revenue_window) as revenue_window
    from classes
    group by as_of_date, standard_version, dimension, class, breakdown, breakdown_class

),

totals as (

    select
        as_of_date,
        sum(customers) as customers,
        sum(revenue_window) as revenue_window
    from broken_down
    where dimension_set = 1 and breakdown = 'total'
    group by as_of_date

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
