{{ config(materialized='view') }}

{#- Customers whose first order is of trial categories alone and who have bought something else by the day. -#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

trial_categories as (

    select * from {{ source('control', 'trial_categories') }}

),

order_lines as {{ inlined() }} (

    select * from {{ ref('int_order_lines_valued') }}

),

followed_days as (

    select
        as_of_date,
        standard_version
    from as_of_days
    where standard_version in (select trial_categories.standard_version from trial_categories)

),

trials as (

    select
        followed_days.as_of_date,
        followed_days.standard_version,
        order_lines.customer_id
    from followed_days
    inner join order_lines
        on
            followed_days.as_of_date >= order_lines.ordered_on
            and followed_days.as_of_date >= order_lines.known_from
            and followed_days.as_of_date < order_lines.known_to
    left join trial_categories
        on
            followed_days.standard_version = trial_categories.standard_version
            and order_lines.category = trial_categories.category
    where order_lines.is_of_first_order
    group by followed_days.as_of_date, followed_days.standard_version, order_lines.customer_id
    having count(*) = count(trial_categories.category)

),

final as (

    select distinct
        trials.as_of_date,
        trials.customer_id
    from trials
    inner join order_lines
        on
            trials.customer_id = order_lines.customer_id
            and trials.as_of_date >= order_lines.ordered_on
            and trials.as_of_date >= order_lines.known_from
            and trials.as_of_date < order_lines.known_to
    left join trial_categories
        on
            trials.standard_version = trial_categories.standard_version
            and order_lines.category = trial_categories.category
    where order_lines.category is not null and trial_categories.category is null

)

select * from final
