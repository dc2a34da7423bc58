{{ config(meta={'by_days': true, 'by_customers': true}) }}

with windows as (

    select * from {{ ref('int_days_paired') }}

),

habits as (

    select * from {{ ref('int_order_habits_counted') }}

),

hours as (

    select
        windows.as_of_date,
        habits.customer_id,
        habits.order_hour,
        sum(habits.order_count) as order_count
    from habits
    inner join windows on habits.ordered_on = windows.business_day
    group by windows.as_of_date, habits.customer_id, habits.order_hour

),

final as (

    select
        as_of_date,
        customer_id,
        {{ foremost('order_hour', ['-order_count', 'order_hour']) }} as usual_hour
    from hours
    group by as_of_date, customer_id

)

select * from final
