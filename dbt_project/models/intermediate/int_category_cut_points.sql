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

order_days as (

    select distinct ordered_on from order_lines

),

windows as (

    select
        as_of_days.as_of_date,
        order_days.ordered_on,
        standards.premium_cut,
        standards.premium_bins
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join order_days
        on
            as_of_days.as_of_date >= order_days.ordered_on
            and {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} < order_days.ordered_on

),

priced as (

    select
        windows.as_of_date,
        windows.premium_cut,
        windows.premium_bins,
        order_lines.category,
        order_lines.unit_price,
        count(*) as line_count
    from order_lines
    inner join windows
        on
            order_lines.ordered_on = windows.ordered_on
            and order_lines.known_from <= windows.as_of_date
            and order_lines.known_to > windows.as_of_date
    where order_lines.category is not null and order_lines.unit_price is not null
    group by
        windows.as_of_date,
        windows.premium_cut,
        windows.premium_bins,
        order_lines.category,
        order_lines.unit_price

),

ranked as (

    select
        as_of_date,
        category,
        unit_price,
        premium_cut,
        premium_bins,
        sum(line_count) over (partition by as_of_date, category order by unit_price) as lines_up_to_price,
        sum(line_count) over (partition by as_of_date, category) as category_lines
    from priced

),

final as (

    select
        as_of_date,
        category,
        min(unit_price) as premium_cut_price
    from ranked
    where lines_up_to_price * premium_bins >= category_lines * premium_cut
    group by as_of_date, category

)

select * from final
