with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

windows as (

    select * from {{ ref('int_days_paired') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_valued') }}

),

prices as (

    select
        windows.as_of_date,
        order_lines.category,
        order_lines.unit_price,
        count(*) as line_count
    from order_lines
    inner join windows
        on
            order_lines.ordered_on = windows.business_day
            and order_lines.known_from <= windows.as_of_date
            and order_lines.known_to > windows.as_of_date
    where order_lines.category is not null and order_lines.unit_price is not null
    group by windows.as_of_date, order_lines.category, order_lines.unit_price

),

ranked as (

    select
        as_of_date,
        category,
        unit_price,
        sum(line_count) over (partition by as_of_date, category order by unit_price) as lines_up_to_price,
        sum(line_count) over (partition by as_of_date, category) as category_lines
    from prices

),

final as (

    select
        ranked.as_of_date,
        ranked.category,
        min(ranked.unit_price) as premium_cut_price
    from ranked
    inner join as_of_days on ranked.as_of_date = as_of_days.as_of_date
    inner join standards on as_of_days.standard_version = standards.standard_version
    where ranked.lines_up_to_price * standards.premium_bins >= ranked.category_lines * standards.premium_cut
    group by ranked.as_of_date, ranked.category

)

select * from final
order by as_of_date, category
