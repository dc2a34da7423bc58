{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}
    where is_requested

),

bought as (

    select * from {{ ref('int_products_bought') }}
    where place_in_basket <= 3

),

described as (

    select * from {{ ref('int_products_described') }}

),

final as (

    select
        features.as_of_date,
        features.customer_id,
        {{ listed('described.product_name', 'bought.place_in_basket') }} as products,
        features.last_order_on
    from features
    inner join bought
        on features.customer_id = bought.customer_id and features.last_order_on = bought.ordered_on
    inner join described
        on features.as_of_date = described.as_of_date and bought.product_number = described.product_number
    group by features.as_of_date, features.customer_id, features.last_order_on

)

select * from final
order by as_of_date, customer_id
