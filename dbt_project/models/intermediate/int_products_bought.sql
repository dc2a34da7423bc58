with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where not is_deleted and coalesce(quantity, 1) > 0

),

orders as (

    select * from {{ ref('int_orders_valued') }}
    where is_measured

),

products as (

    select * from {{ ref('int_products_numbered') }}

),

span as (

    select max(as_of_date) as ends_on
    from as_of_days

),

bought as (

    select
        orders.customer_id,
        orders.ordered_on,
        products.product_number,
        sum(
            {{
                in_reporting_currency(
                    'coalesce(order_lines.line_amount, cast(order_lines.quantity * order_lines.unit_price'
                    ~ ' - coalesce(order_lines.discount_amount, 0) as decimal(18, 4)), 0)',
                    'orders.currency', 'orders.rate', 4
                )
            }}
        ) as amount
    from order_lines
    inner join orders
        on order_lines.source = orders.source and order_lines.order_id = orders.order_id
    inner join products
        on order_lines.source = products.source and order_lines.product_id = products.product_id
    inner join span on orders.ordered_on <= span.ends_on
    group by orders.customer_id, orders.ordered_on, products.product_number

),

final as (

    select
        customer_id,
        ordered_on,
        product_number,
        cast(
            row_number() over (partition by customer_id, ordered_on order by amount desc, product_number asc) as integer
        ) as place_in_basket,
        ordered_on = min(ordered_on) over (partition by customer_id, product_number) as is_first
    from bought

)

select * from final
order by customer_id, ordered_on
