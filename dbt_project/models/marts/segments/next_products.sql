with features as (

    select * from {{ ref('int_customer_features') }}
    where is_requested

),

settings as (

    select * from {{ source('control', 'next_products') }}

),

bought as (

    select * from {{ ref('int_products_bought') }}

),

bought_next as (

    select * from {{ ref('int_products_bought_next') }}

),

favoured as (

    select * from {{ ref('int_products_favoured') }}

),

described as (

    select * from {{ ref('int_products_described') }}

),

last_baskets as (

    select
        features.as_of_date,
        features.customer_id,
        bought.product_number
    from features
    inner join bought
        on features.customer_id = bought.customer_id and features.last_order_on = bought.ordered_on
    inner join settings on bought.place_in_basket <= settings.basket_products

),

{#- Of several products of the basket that speak for one, the best pair counts: its customers can be told. -#}
followers as (

    select
        last_baskets.as_of_date,
        last_baskets.customer_id,
        bought_next.next_product_number as product_number,
        min(bought_next.place) as place
    from last_baskets
    inner join bought_next
        on
            last_baskets.as_of_date = bought_next.as_of_date
            and last_baskets.product_number = bought_next.product_number
    group by last_baskets.as_of_date, last_baskets.customer_id, bought_next.next_product_number

),

new_followers as (

    select
        followers.as_of_date,
        followers.customer_id,
        followers.product_number,
        followers.place,
        row_number() over (
            partition by followers.as_of_date, followers.customer_id order by followers.place
        ) as follower_number
    from followers
    where
        not exists (
            select 1
            from bought
            where
                bought.is_first
                and bought.customer_id = followers.customer_id
                and bought.product_number = followers.product_number
                and bought.ordered_on <= followers.as_of_date
        )

),

best_followers as (

    select
        as_of_date,
        customer_id,
        product_number,
        place
    from new_followers
    where follower_number <= 3

),

served as (

    select
        as_of_date,
        customer_id
    from best_followers
    group by as_of_date, customer_id
    having count(*) = 3

),

favourites as (

    select
        features.as_of_date,
        features.customer_id,
        favoured.product_number,
        favoured.support,
        favoured.score,
        favoured.place
    from features
    inner join favoured
        on features.as_of_date = favoured.as_of_date and features.top_category = favoured.category
    left join served
        on features.as_of_date = served.as_of_date and features.customer_id = served.customer_id
    left join best_followers
        on
            features.as_of_date = best_followers.as_of_date
            and features.customer_id = best_followers.customer_id
            and favoured.product_number = best_followers.product_number
    where
        served.customer_id is null
        and best_followers.customer_id is null
        and not exists (
            select 1
            from bought
            where
                bought.is_first
                and bought.customer_id = features.customer_id
                and bought.product_number = favoured.product_number
                and bought.ordered_on <= features.as_of_date
        )

),

offers as (

    select
        best_followers.as_of_date,
        best_followers.customer_id,
        best_followers.product_number,
        bought_next.support,
        bought_next.score,
        'bought_next' as basis,
        best_followers.place
    from best_followers
    inner join bought_next
        on best_followers.as_of_date = bought_next.as_of_date and best_followers.place = bought_next.place
    union all
    select
        as_of_date,
        customer_id,
        product_number,
        support,
        score,
        'category_favourite' as basis,
        place
    from favourites

),

ranked as (

    select
        *,
        row_number() over (partition by as_of_date, customer_id order by basis, place) as offer_number
    from offers

),

final as (

    select
        ranked.as_of_date,
        ranked.customer_id,
        features.standard_version,
        cast(ranked.offer_number as integer) as rank,
        described.source,
        described.product_id,
        described.product_name,
        described.category,
        ranked.support,
        cast(ranked.score as decimal(9, 6)) as score,
        ranked.basis
    from ranked
    inner join features
        on ranked.as_of_date = features.as_of_date and ranked.customer_id = features.customer_id
    inner join described
        on ranked.as_of_date = described.as_of_date and ranked.product_number = described.product_number
    where ranked.offer_number <= 3

)

select * from final
order by as_of_date, customer_id, rank
