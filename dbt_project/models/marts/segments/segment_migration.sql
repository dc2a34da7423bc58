{%- set dimensions = class_columns() -%}
{%- set carried = dimensions + ['other_fingerprint', 'revenue_window'] -%}

with compared_days as (

    select * from {{ source('control', 'compared_days') }}

),

as_of_days as (

    select * from {{ source('control', 'as_of_days') }}

),

classified as (

    select * from {{ ref('int_customers_classified') }}

),

fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}

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
        classified.customer_id,
        {% for column in carried -%}
            {{ 'fingerprints' if column in ('cluster', 'other_fingerprint') else 'classified' }}.{{ column }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from classified
    inner join fingerprints
        on classified.as_of_date = fingerprints.as_of_date and classified.customer_id = fingerprints.customer_id

),

{#- Of a day's customers and those of the day that it is compared with, both under the later day. -#}
{% for side, day in {'earlier': 'compared_on', 'later': 'as_of_date'}.items() -%}
    {{ side }} as (

        select
            compared_days.as_of_date,
            customers.customer_id,
            {% for column in carried -%}
                customers.{{ column }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from compared_days
        inner join customers on compared_days.{{ day }} = customers.as_of_date

    ),

{% endfor -%}

moves as (

    select
        {% for column in carried if column != 'revenue_window' -%}
            earlier.{{ column }} as {{ column }}_from,
            later.{{ column }} as {{ column }}_to,
        {% endfor -%}
        coalesce(later.as_of_date, earlier.as_of_date) as as_of_date,
        coalesce(later.revenue_window, earlier.revenue_window) as revenue_window
    from later
    full join earlier on later.as_of_date = earlier.as_of_date and later.customer_id = earlier.customer_id

),

grouped as (

    select
        as_of_date,
        {% for column in carried if column != 'revenue_window' -%}
            {{ column }}_from,
            {{ column }}_to,
            grouping({{ column }}_from) = 0 as is_of_{{ column }},
        {% endfor -%}
        count(*) as customers,
        sum(revenue_window) as revenue_window
    from moves
    group by grouping sets ( -- noqa: PRS
        {% for column in carried if column != 'revenue_window' -%}
            (as_of_date, {{ column }}_from, {{ column }}_to)
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    )

),

{#- A move between two fingerprints is a move of each of their dimensions: one row a side, joined by the grouping. -#}
other_sides as (

    {% for side in ['from', 'to'] -%}
        select
            grouped.as_of_date,
            grouped.other_fingerprint_from,
            grouped.other_fingerprint_to,
            other_classes.dimension,
            {{ 'other_classes.class' if side == 'from' else 'null' }} as class_from,
            {{ 'other_classes.class' if side == 'to' else 'null' }} as class_to,
            grouped.customers,
            grouped.revenue_window
        from grouped
        inner join other_classes on grouped.other_fingerprint_{{ side }} = other_classes.other_fingerprint
        where grouped.is_of_other_fingerprint
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

other_moves as (

    select
        as_of_date,
        dimension,
        max(class_from) as class_from,
        max(class_to) as class_to,
        max(customers) as customers,
        max(revenue_window) as revenue_window
    from other_sides
    group by as_of_date, other_fingerprint_from, other_fingerprint_to, dimension

),

class_moves as (

    {% for dimension in dimensions -%}
        select
            as_of_date,
            '{{ dimension }}' as dimension,
            {{ dimension }}_from as class_from,
            {{ dimension }}_to as class_to,
            customers,
            revenue_window
        from grouped
        where is_of_{{ dimension }} and ({{ dimension }}_from is not null or {{ dimension }}_to is not null)
        union all
    {% endfor -%}
    select
        as_of_date,
        dimension,
        class_from,
        class_to,
        customers,
        revenue_window
    from other_moves

),

counted as (

    select
        as_of_date,
        dimension,
        coalesce(class_from, 'absent') as class_from,
        coalesce(class_to, 'absent') as class_to,
        sum(customers) as customers,
        sum(revenue_window) as revenue_window
    from class_moves
    group by as_of_date, dimension, class_from, class_to

),

final as (

    select
        counted.as_of_date,
        compared_days.compared_on,
        as_of_days.standard_version,
        counted.dimension,
        counted.class_from,
        coalesce(labels_from.label, counted.class_from) as class_from_label,
        counted.class_to,
        coalesce(labels_to.label, counted.class_to) as class_to_label,
        cast(counted.customers as bigint) as customers,
        cast(counted.revenue_window as decimal(18, 2)) as revenue_window,
        as_of_days.standard_version <> days_before.standard_version as is_standard_change
    from counted
    inner join compared_days on counted.as_of_date = compared_days.as_of_date
    inner join as_of_days on compared_days.as_of_date = as_of_days.as_of_date
    inner join as_of_days as days_before on compared_days.compared_on = days_before.as_of_date
    left join labels as labels_from
        on counted.dimension = labels_from.dimension and counted.class_from = labels_from.code
    left join labels as labels_to
        on counted.dimension = labels_to.dimension and counted.class_to = labels_to.code

)

select * from final
order by as_of_date, dimension, class_from, class_to
