with features as {{ inlined() }} (

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

{#- What a shop sells under several ids is offered once: of all products of a name, the best pair counts. -#}
new_followers as (

    select
        followers.as_of_date,
        followers.customer_id,
        min(followers.place) as place
    from followers
    inner join described
        on followers.as_of_date = described.as_of_date and followers.product_number = described.product_number
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
    group by followers.as_of_date, followers.customer_id, described.namesake_number

),

numbered_followers as (

    select
        *,
        row_number() over (partition by as_of_date, customer_id order by place) as follower_number
    from new_followers

),

best_followers as (

    select
        numbered_followers.as_of_date,
        numbered_followers.customer_id,
        bought_next.next_product_number as product_number,
        bought_next.support,
        bought_next.score,
        numbered_followers.place
    from numbered_followers
    inner join bought_next
        on numbered_followers.as_of_date = bought_next.as_of_date and numbered_followers.place = bought_next.place
    where numbered_followers.follower_number <= 3

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
    where
        served.customer_id is null
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
        *,
        'bought_next' as basis
    from best_followers
    union all
    select
        *,
        'category_favourite' as basis
    from favourites

),

named as (

    select
        offers.*,
        described.source,
        described.product_id,
        described.product_name,
        described.category,
        row_number() over (
            partition by offers.as_of_date, offers.customer_id, described.namesake_number
            order by offers.basis, offers.place
        ) as number_of_its_name
    from offers
    inner join described
        on offers.as_of_date = described.as_of_date and offers.product_number = described.product_number

),

ranked as (

    select
        *,
        row_number() over (partition by as_of_date, customer_id order by basis, place) as offer_number
    from named
    where number_of_its_name = 1

),

final as (

    select
        ranked.as_of_date,
        ranked.customer_id,
        features.standard_version,
        cast(ranked.offer_number as integer) as rank,
        ranked.source,
        ranked.product_id,
        ranked.product_name,
        ranked.category,
        ranked.support,
        cast(ranked.score as decimal(9, 6)) as score,
        ranked.basis
    from ranked
    inner join features
        on ranked.as_of_date = features.as_of_date and ranked.customer_id = features.customer_id
    where ranked.offer_number <= 3

)

select * from final
order by as_of_date, customer_id, rank
