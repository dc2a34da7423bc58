{#-
    The lines that classified days look back at, slim and sorted by customer. A line whose order holds a product with
    several known categories or launches has a row for each span of days; other lines have one that covers all days.
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

trial_categories as (

    select * from {{ source('control', 'trial_categories') }}

),

order_lines as {{ inlined() }} (

    select * from {{ ref('stg_order_lines') }}
    where not is_deleted

),

orders as {{ inlined() }} (

    select * from {{ ref('int_orders_valued') }}
    where is_measured

),

products as (

    select * from {{ ref('int_products_dated') }}

),

followed_days as (

    select as_of_days.as_of_date
    from as_of_days
    where as_of_days.standard_version in (select trial_categories.standard_version from trial_categories)

),

last_followed_day as (

    select max(as_of_date) as ends_on
    from followed_days
    having count(*) > 0

),

{#- The first order of a customer's life matters to trials alone. -#}
reach as (

    select
        min({{ days_before('as_of_days.as_of_date', 'standards.window_days') }}) as starts_after,
        max(as_of_days.as_of_date) as ends_on
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    union all
    select
        date '0001-01-01' as starts_after,
        ends_on
    from last_followed_day

),

span as (

    select
        min(starts_after) as starts_after,
        max(ends_on) as ends_on
    from reach

),

first_orders as (

    select
        orders.customer_id,
        {{ foremost('orders.source', ['orders.ordered_at', 'orders.order_id', 'orders.source']) }} as source,
        {{ foremost('orders.order_id', ['orders.ordered_at', 'orders.order_id', 'orders.source']) }} as order_id
    from orders
    inner join last_followed_day on orders.ordered_on <= last_followed_day.ends_on
    group by orders.customer_id

),

changed_orders as (

    select
        order_lines.source,
        order_lines.order_id,
        products.valid_from as known_from
    from order_lines
    inner join products
        on order_lines.source = products.source and order_lines.product_id = products.product_id
    where products.valid_from > date '0001-01-01'

),

known_days as (

    select
        source,
        order_id,
        known_from
    from changed_orders
    union
    select
        source,
        order_id,
        date '0001-01-01' as known_from
    from changed_orders

),

known_spans as (

    select
        source,
        order_id,
        known_from,
        coalesce(
            lead(known_from) over (partition by source, order_id order by known_from), date '9999-12-31'
        ) as known_to
    from known_days

),

valued as (

    select
        orders.customer_id,
        orders.ordered_on,
        order_lines.source,
        order_lines.order_id,
        order_lines.line_number,
        order_lines.product_id,
        order_lines.category,
        {{ in_reporting_currency('order_lines.unit_price', 'orders.currency', 'orders.rate', 4) }} as unit_price,
        {{
            in_reporting_currency(
                'coalesce(order_lines.line_amount, cast(order_lines.quantity * order_lines.unit_price'
                ~ ' - coalesce(order_lines.discount_amount, 0) as decimal(18, 4)))',
                'orders.currency', 'orders.rate', 4
            )
        }} as line_amount
    from order_lines
    inner join orders
        on order_lines.source = orders.source and order_lines.order_id = orders.order_id
    inner join span
        on orders.ordered_on > span.starts_after and orders.ordered_on <= span.ends_on

),

known as (

    select
        valued.customer_id,
        valued.ordered_on,
        valued.source,
        valued.order_id,
        valued.line_number,
        coalesce(known_spans.known_from, date '0001-01-01') as known_from,
        coalesce(known_spans.known_to, date '9999-12-31') as known_to,
        coalesce(valued.category, products.category) as category,
        {{ days_between('products.launched_on', 'valued.ordered_on') }} as days_since_launch,
        valued.unit_price,
        valued.line_amount
    from valued
    left join known_spans
        on valued.source = known_spans.source and valued.order_id = known_spans.order_id
    left join products
        on
            valued.source = products.source
            and valued.product_id = products.product_id
            and coalesce(known_spans.known_from, date '0001-01-01') >= products.valid_from
            and coalesce(known_spans.known_from, date '0001-01-01') < products.valid_to

),

final as (

    select
        known.customer_id,
        known.ordered_on,
        known.known_from,
        known.known_to,
        known.category,
        known.unit_price,
        known.line_amount,
        cast(known.days_since_launch as integer) as days_since_launch,
        row_number() over (
            partition by known.source, known.order_id, known.category, known.known_from order by known.line_number
        ) = 1 as is_first_of_category,
        first_orders.customer_id is not null as is_of_first_order
    from known
    left join first_orders
        on
            known.customer_id = first_orders.customer_id
            and known.source = first_orders.source
            and known.order_id = first_orders.order_id

)

select * from final
order by customer_id, ordered_on
