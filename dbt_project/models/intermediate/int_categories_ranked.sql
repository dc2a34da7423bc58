{{ config(meta={'by_days': true, 'by_customers': true}) }}

with windows as (

    select * from {{ ref('int_days_paired') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_valued') }}
    where category is not null

),

categories as (

    select
        windows.as_of_date,
        order_lines.customer_id,
        order_lines.category,
        sum(coalesce(order_lines.line_amount, 0)) as line_amount,
        count(*) filter (where order_lines.is_first_of_category) as order_count
    from order_lines
    inner join windows
        on
            order_lines.ordered_on = windows.business_day
            and order_lines.known_from <= windows.as_of_date
            and order_lines.known_to > windows.as_of_date
    group by windows.as_of_date, order_lines.customer_id, order_lines.category

),

final as (

    select
        as_of_date,
        customer_id,
        {{ foremost('category', ['-line_amount', '-order_count', 'category']) }} as top_category
    from categories
    group by as_of_date, customer_id

)

select * from final
