{{ config(meta={'by_days': true, 'by_customers': true}) }}

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

cut_points as (

    select * from {{ ref('int_category_cut_points') }}

),

counted as (

    select
        windows.as_of_date,
        order_lines.customer_id,
        count(*) filter (
            where order_lines.category is not null and order_lines.unit_price is not null
        ) as priced_lines,
        count(*) filter (where order_lines.unit_price > cut_points.premium_cut_price) as premium_lines,
        count(order_lines.days_since_launch) as dated_lines,
        count(*) filter (where order_lines.days_since_launch <= standards.novelty_days) as novel_lines
    from order_lines
    inner join windows
        on
            order_lines.ordered_on = windows.business_day
            and order_lines.known_from <= windows.as_of_date
            and order_lines.known_to > windows.as_of_date
    inner join as_of_days on windows.as_of_date = as_of_days.as_of_date
    inner join standards on as_of_days.standard_version = standards.standard_version
    left join cut_points
        on windows.as_of_date = cut_points.as_of_date and order_lines.category = cut_points.category
    group by windows.as_of_date, order_lines.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        {{ ratio('premium_lines', 'priced_lines') }} as premium_share,
        {{ ratio('novel_lines', 'dated_lines') }} as novelty_share
    from counted

)

select * from final
