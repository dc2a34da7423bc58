{{ config(meta={'by_days': true, 'by_customers': true}) }}

with windows as (

    select * from {{ ref('int_days_paired') }}

),

habits as (

    select * from {{ ref('int_order_habits_counted') }}
    where channel is not null

),

channels as (

    select
        windows.as_of_date,
        habits.customer_id,
        habits.channel,
        sum(habits.order_count) as order_count,
        sum(habits.revenue) as revenue
    from habits
    inner join windows on habits.ordered_on = windows.business_day
    group by windows.as_of_date, habits.customer_id, habits.channel

),

final as (

    select
        as_of_date,
        customer_id,
        {{ foremost('channel', ['-revenue', '-order_count', 'channel']) }} as top_channel
    from channels
    group by as_of_date, customer_id

)

select * from final
