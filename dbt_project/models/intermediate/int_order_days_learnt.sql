{#-
    Of each order day the requested days that learn from it, as a span: an event enters at the first and leaves at the
    one that follows the last. What is counted for a range so costs one pass over history, not one a day.
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

settings as (

    select * from {{ source('control', 'next_products') }}

),

order_days as (

    select distinct ordered_on
    from {{ ref('int_products_bought') }}

),

spans as (

    select
        order_days.ordered_on,
        min(case when as_of_days.as_of_date >= order_days.ordered_on then as_of_days.as_of_date end) as learnt_from,
        min(
            case
                when {{ days_before('as_of_days.as_of_date', 'settings.learn_days') }} >= order_days.ordered_on
                    then as_of_days.as_of_date
            end
        ) as learnt_to
    from order_days
    cross join as_of_days
    cross join settings
    group by order_days.ordered_on

),

final as (

    select
        ordered_on,
        learnt_from,
        coalesce(learnt_to, date '9999-12-31') as learnt_to
    from spans
    where learnt_from is not null and learnt_from is distinct from learnt_to

)

select * from final
