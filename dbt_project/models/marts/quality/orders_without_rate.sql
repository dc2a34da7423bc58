with orders as (

    select * from {{ ref('int_orders_valued') }}

),

staged as (

    select * from {{ ref('stg_orders') }}

),

final as (

    select
        orders.source,
        orders.order_id,
        orders.ordered_on,
        orders.currency,
        staged.gross_amount as original_gross_amount,
        staged.source_file,
        staged.row_number
    from orders
    inner join staged
        on orders.source = staged.source and orders.order_id = staged.order_id
    where not orders.has_rate

)

select * from final
order by source, order_id
