with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

habits as (

    select * from {{ ref('int_order_habits_counted') }}

),

order_days as (

    select distinct ordered_on from habits

),

{#- Days are paired with their windows first, so that habits join on equality. -#}
windows as (

    select
        as_of_days.as_of_date,
        order_days.ordered_on
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join order_days
        on
            as_of_days.as_of_date >= order_days.ordered_on
            and {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} < order_days.ordered_on

),

channels as (

    select
        windows.as_of_date,
        habits.customer_id,
        habits.channel,
        sum(habits.order_count) as order_count,
        sum(habits.revenue) as revenue
    from habits
    inner join windows on habits.ordered_on = windows.ordered_on
    where habits.channel is not null
    group by windows.as_of_date, habits.customer_id, habits.channel

),

hours as (

    select
        windows.as_of_date,
        habits.customer_id,
        habits.order_hour,
        sum(habits.order_count) as order_count
    from habits
    inner join windows on habits.ordered_on = windows.ordered_on
    group by windows.as_of_date, habits.customer_id, habits.order_hour

),

top_channels as (

    select
        as_of_date,
        customer_id,
        {{ foremost('channel', ['-revenue', '-order_count', 'channel']) }} as top_channel
    from channels
    group by as_of_date, customer_id

),

usual_hours as (

    select
        as_of_date,
        customer_id,
        {{ foremost('order_hour', ['-order_count', 'order_hour']) }} as usual_hour
    from hours
    group by as_of_date, customer_id

),

final as (

    select
        usual_hours.as_of_date,
        usual_hours.customer_id,
        top_channels.top_channel,
        usual_hours.usual_hour
    from usual_hours
    left join top_channels
        on usual_hours.as_of_date = top_channels.as_of_date and usual_hours.customer_id = top_channels.customer_id

)

select * from final
