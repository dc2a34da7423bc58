with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

numbered as (

    select * from {{ ref('int_products_numbered') }}

),

products as (

    select * from {{ ref('stg_products') }}

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where not is_deleted and category is not null and product_id is not null

),

orders as (

    select * from {{ ref('int_orders_valued') }}
    where is_measured

),

{#- Names, categories and launches also hold before the first version; that it was not available then nobody said. -#}
versions as (

    select
        source,
        product_id,
        case
            when row_number() over (partition by source, product_id order by valid_from) = 1 then date '0001-01-01'
            else valid_from
        end as valid_from,
        {{ valid_to_next_version(['source', 'product_id']) }} as valid_to,
        valid_from as stated_from,
        case when not is_deleted then name end as name,
        case when not is_deleted then category end as category,
        case when not is_deleted then launched_on end as launched_on,
        is_deleted or not coalesce(is_available, true) as is_withdrawn
    from products

),

{#- What the lines say of a category comes first, as it does for the customer's favourite one. -#}
categories_begun as (

    select
        order_lines.source,
        order_lines.product_id,
        order_lines.category,
        min(orders.ordered_on) as begun_on
    from order_lines
    inner join orders
        on order_lines.source = orders.source and order_lines.order_id = orders.order_id
    group by order_lines.source, order_lines.product_id, order_lines.category

),

line_categories as (

    select
        source,
        product_id,
        begun_on as valid_from,
        min(category) as category
    from categories_begun
    group by source, product_id, begun_on

),

line_versions as (

    select
        source,
        product_id,
        valid_from,
        {{ valid_to_next_version(['source', 'product_id']) }} as valid_to,
        category
    from line_categories

),

described as (

    select
        as_of_days.as_of_date,
        numbered.product_number,
        numbered.source,
        numbered.product_id,
        coalesce(versions.name, numbered.product_id) as product_name,
        coalesce(line_versions.category, versions.category) as category,
        not coalesce(versions.is_withdrawn and versions.stated_from <= as_of_days.as_of_date, false)
        and coalesce(versions.launched_on <= as_of_days.as_of_date, true) as is_available
    from numbered
    cross join as_of_days
    left join versions
        on
            numbered.source = versions.source
            and numbered.product_id = versions.product_id
            and as_of_days.as_of_date >= versions.valid_from
            and as_of_days.as_of_date < versions.valid_to
    left join line_versions
        on
            numbered.source = line_versions.source
            and numbered.product_id = line_versions.product_id
            and as_of_days.as_of_date >= line_versions.valid_from
            and as_of_days.as_of_date < line_versions.valid_to

),

final as (

    select
        *,
        min(product_number) over (partition by as_of_date, lower(trim(product_name))) as namesake_number
    from described

)

select * from final
