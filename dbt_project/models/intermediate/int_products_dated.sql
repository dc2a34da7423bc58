{{ config(materialized='view') }}

{#-
    Spans of days over which a product's category and launch are known the same; they cover all days. The first version
    also holds before its own day; from a deletion on nothing is known.
-#}

with products as (

    select * from {{ ref('stg_products') }}

),

versions as (

    select
        source,
        product_id,
        valid_from,
        case when not is_deleted then category end as category,
        case when not is_deleted then launched_on end as launched_on
    from products

),

neighbours as (

    select
        source,
        product_id,
        valid_from,
        category,
        launched_on,
        row_number() over (partition by source, product_id order by valid_from) as version_number,
        lag(category) over (partition by source, product_id order by valid_from) as previous_category,
        lag(launched_on) over (partition by source, product_id order by valid_from) as previous_launched_on
    from versions

),

changes as (

    select
        source,
        product_id,
        case when version_number = 1 then date '0001-01-01' else valid_from end as valid_from,
        category,
        launched_on
    from neighbours
    where
        version_number = 1
        or category is distinct from previous_category
        or launched_on is distinct from previous_launched_on

),

final as (

    select
        source,
        product_id,
        valid_from,
        {{ valid_to_next_version(['source', 'product_id']) }} as valid_to,
        category,
        launched_on
    from changes

)

select * from final
