with order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where not is_deleted and product_id is not null

),

sold as (

    select distinct
        source,
        product_id
    from order_lines

),

{#- Pairs of products are counted by the million: whole numbers take a third of the time that texts do. -#}
final as (

    select
        source,
        product_id,
        cast(row_number() over (order by source, product_id) as integer) as product_number
    from sold

)

select * from final
