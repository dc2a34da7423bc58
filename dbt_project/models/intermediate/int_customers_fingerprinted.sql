{{ config(meta={'by_customers': true}) }}

{%- set dimensions = class_columns() -%}

with classified as (

    select * from {{ ref('int_customers_classified') }}
    where {{ of_these_customers() }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

placed as (

    select * from {{ ref('int_matrices_placed') }}
    where {{ of_these_customers() }}

),

own as (

    select * from {{ ref('int_own_dimensions_decided') }}
    where {{ of_these_customers() }}

),

columns_decided as (

    select
        classified.as_of_date,
        classified.customer_id,
        classified.is_requested,
        {% for dimension in dimensions if dimension != 'cluster' -%}
            classified.{{ dimension }},
        {% endfor -%}
        case when standards.has_clusters then classified.cluster end as cluster
    from classified
    inner join standards on classified.standard_version = standards.standard_version

),

{#- Distinct sets of classes are few: the fingerprint is computed once a set, not once a customer. -#}
column_sets as (

    select distinct {{ dimensions | join(', ') }}
    from columns_decided

),

column_fingerprints as (

    select
        {% for dimension in dimensions -%}
            {{ dimension }},
        {% endfor -%}
        {% for dimension in dimensions -%}
            coalesce({{ class_fingerprint("'" ~ dimension ~ "'", dimension) }}, 0)
            {%- if not loop.last %} + {% endif -%}
        {% endfor %} as fingerprint
    from column_sets

),

other_classes as (

    select
        as_of_date,
        customer_id,
        matrix as dimension,
        quadrant as class
    from placed
    union all
    select
        as_of_date,
        customer_id,
        dimension,
        class
    from own

),

other_class_fingerprints as (

    select
        dimension,
        class,
        {{ class_fingerprint('dimension', 'class') }} as fingerprint
    from other_classes
    group by dimension, class

),

other_fingerprints as (

    select
        other_classes.as_of_date,
        other_classes.customer_id,
        cast(sum(other_class_fingerprints.fingerprint) as decimal(38, 0)) as fingerprint
    from other_classes
    inner join other_class_fingerprints
        on
            other_classes.dimension = other_class_fingerprints.dimension
            and other_classes.class = other_class_fingerprints.class
    group by other_classes.as_of_date, other_classes.customer_id

),

final as (

    select
        columns_decided.as_of_date,
        columns_decided.customer_id,
        columns_decided.is_requested,
        columns_decided.cluster,
        other_fingerprints.fingerprint as other_fingerprint,
        cast(
            column_fingerprints.fingerprint + coalesce(other_fingerprints.fingerprint, 0) as decimal(38, 0)
        ) as fingerprint
    from columns_decided
    inner join column_fingerprints
        on
            {% for dimension in dimensions -%}
                columns_decided.{{ dimension }} is not distinct from column_fingerprints.{{ dimension }}
                {% if not loop.last %}and {% endif -%}
            {% endfor %}
    left join other_fingerprints
        on
            columns_decided.as_of_date = other_fingerprints.as_of_date
            and columns_decided.customer_id = other_fingerprints.customer_id

)

select * from final
