{#-
    A customer buys a product for the first time once, so each customer counts once in a pair, and pairs are plain sums.
    They enter and leave with the days that learn from them (int_order_days_learnt).
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

settings as (

    select * from {{ source('control', 'next_products') }}

),

bought as (

    select bought.*
    from {{ ref('int_products_bought') }} as bought
    inner join settings on bought.place_in_basket <= settings.basket_products

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

learnt_days as (

    select * from {{ ref('int_order_days_learnt') }}

),

described as (

    select * from {{ ref('int_products_described') }}

),

{#- Order days of which the products are known, with the order day before; every basket has a first place. -#}
followed as (

    select
        bought.customer_id,
        bought.ordered_on,
        customer_days.previous_order_on,
        learnt_days.learnt_from,
        learnt_days.learnt_to
    from bought
    inner join learnt_days on bought.ordered_on = learnt_days.ordered_on
    inner join customer_days
        on bought.customer_id = customer_days.customer_id and bought.ordered_on = customer_days.business_day
    where bought.place_in_basket = 1 and customer_days.previous_order_on is not null

),

baskets_before as (

    select
        followed.customer_id,
        followed.ordered_on,
        followed.learnt_from,
        followed.learnt_to,
        bought.product_number
    from followed
    inner join bought
        on followed.customer_id = bought.customer_id and followed.previous_order_on = bought.ordered_on

),

orders_after as (

    select
        product_number,
        learnt_from,
        learnt_to,
        count(*) as order_days
    from baskets_before
    group by product_number, learnt_from, learnt_to

),

pairs as (

    select
        baskets_before.product_number,
        bought.product_number as next_product_number,
        baskets_before.learnt_from,
        baskets_before.learnt_to,
        count(*) as customers
    from baskets_before
    inner join bought
        on baskets_before.customer_id = bought.customer_id and baskets_before.ordered_on = bought.ordered_on
    where bought.is_first
    group by
        baskets_before.product_number,
        bought.product_number,
        baskets_before.learnt_from,
        baskets_before.learnt_to

),

{#- Nine pairs of ten never reach the least number of customers; they are not followed through the days. -#}
frequent_pairs as (

    select
        pairs.product_number,
        pairs.next_product_number
    from pairs
    cross join settings
    group by pairs.product_number, pairs.next_product_number, settings.minimum_customers
    having sum(pairs.customers) >= settings.minimum_customers

),

pairs_followed as (

    select pairs.*
    from pairs
    inner join frequent_pairs
        on
            pairs.product_number = frequent_pairs.product_number
            and pairs.next_product_number = frequent_pairs.next_product_number

),

pair_counts as (

    {{ counts_over_spans('pairs_followed', ['product_number', 'next_product_number'], 'customers') }}

),

order_counts as (

    {{ counts_over_spans('orders_after', ['product_number'], 'order_days') }}

),

candidates as (

    select
        as_of_days.as_of_date,
        pair_counts.product_number,
        pair_counts.next_product_number,
        pair_counts.customers,
        row_number() over (
            partition by as_of_days.as_of_date, pair_counts.product_number
            order by pair_counts.customers desc, pair_counts.next_product_number asc
        ) as candidate_number
    from pair_counts
    cross join settings
    inner join as_of_days
        on
            pair_counts.changed_on <= as_of_days.as_of_date
            and pair_counts.changes_next_on > as_of_days.as_of_date
    inner join described
        on
            as_of_days.as_of_date = described.as_of_date
            and pair_counts.next_product_number = described.product_number
    where pair_counts.customers >= settings.minimum_customers and described.is_available

),

scored as (

    select
        candidates.as_of_date,
        candidates.product_number,
        candidates.next_product_number,
        cast(candidates.customers as bigint) as support,
        {{ ratio('candidates.customers', '(order_counts.order_days + settings.prior_orders)') }} as score
    from candidates
    cross join settings
    inner join order_counts
        on
            candidates.product_number = order_counts.product_number
            and candidates.as_of_date >= order_counts.changed_on
            and candidates.as_of_date < order_counts.changes_next_on
    where candidates.candidate_number <= settings.candidates

),

final as (

    select
        as_of_date,
        product_number,
        next_product_number,
        support,
        score,
        row_number() over (
            partition by as_of_date
            order by score desc, support desc, next_product_number asc, product_number asc
        ) as place
    from scored

)

select * from final
