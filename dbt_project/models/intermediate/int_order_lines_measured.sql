with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_valued') }}

),

cut_points as (

    select * from {{ ref('int_category_cut_points') }}

),

order_days as (

    select distinct ordered_on from order_lines

),

{#- Days are paired with their windows first, so that lines join on equality. -#}
windows as (

    select
        as_of_days.as_of_date,
        order_days.ordered_on,
        standards.novelty_days
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join order_days
        on
            as_of_days.as_of_date >= order_days.ordered_on
            and {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} < order_days.ordered_on

),

categories as (

    select
        windows.as_of_date,
        order_lines.customer_id,
        order_lines.category,
        sum(order_lines.line_amount) as line_amount,
        count(*) filter (where order_lines.is_first_of_category) as order_count,
        count(order_lines.unit_price) as priced_lines,
        count(*) filter (where order_lines.unit_price > cut_points.premium_cut_price) as premium_lines,
        count(order_lines.days_since_launch) as dated_lines,
        count(*) filter (where order_lines.days_since_launch <= windows.novelty_days) as novel_lines
    from order_lines
    inner join windows
        on
            order_lines.ordered_on = windows.ordered_on
            and order_lines.known_from <= windows.as_of_date
            and order_lines.known_to > windows.as_of_date
    left join cut_points
        on windows.as_of_date = cut_points.as_of_date and order_lines.category = cut_points.category
    group by windows.as_of_date, order_lines.customer_id, order_lines.category

),

totals as (

    select
        as_of_date,
        customer_id,
        sum(priced_lines) filter (where category is not null) as priced_lines,
        sum(premium_lines) as premium_lines,
        sum(dated_lines) as dated_lines,
        sum(novel_lines) as novel_lines,
        {{ foremost('category', ['-coalesce(line_amount, 0)', '-order_count', 'category']) }} filter (
            where category is not null
        ) as top_category
    from categories
    group by as_of_date, customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        {{ ratio('premium_lines', 'priced_lines') }} as premium_share,
        {{ ratio('novel_lines', 'dated_lines') }} as novelty_share,
        top_category
    from totals

)

select * from final
