with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

settings as (

    select * from {{ source('control', 'next_products') }}

),

bought as (

    select * from {{ ref('int_products_bought') }}
    where is_first

),

learnt_days as (

    select * from {{ ref('int_order_days_learnt') }}

),

described as (

    select * from {{ ref('int_products_described') }}
    where category is not null

),

first_purchases as (

    select
        bought.product_number,
        learnt_days.learnt_from,
        learnt_days.learnt_to,
        count(*) as customers
    from bought
    inner join learnt_days on bought.ordered_on = learnt_days.ordered_on
    group by bought.product_number, learnt_days.learnt_from, learnt_days.learnt_to

),

counts as (

    {{ counts_over_spans('first_purchases', ['product_number'], 'customers') }}

),

of_categories as (

    select
        as_of_days.as_of_date,
        described.category,
        counts.product_number,
        counts.customers,
        sum(counts.customers) over (partition by as_of_days.as_of_date, described.category) as category_customers,
        described.is_available
    from counts
    inner join as_of_days
        on counts.changed_on <= as_of_days.as_of_date and counts.changes_next_on > as_of_days.as_of_date
    inner join described
        on as_of_days.as_of_date = described.as_of_date and counts.product_number = described.product_number

),

candidates as (

    select
        of_categories.*,
        row_number() over (
            partition by of_categories.as_of_date, of_categories.category
            order by of_categories.customers desc, of_categories.product_number asc
        ) as place
    from of_categories
    cross join settings
    where of_categories.is_available and of_categories.customers >= settings.minimum_customers

),

final as (

    select
        candidates.as_of_date,
        candidates.category,
        candidates.product_number,
        cast(candidates.customers as bigint) as support,
        {{ ratio('candidates.customers', '(candidates.category_customers + settings.prior_orders)') }} as score,
        candidates.place
    from candidates
    cross join settings
    where candidates.place <= settings.candidates

)

select * from final
