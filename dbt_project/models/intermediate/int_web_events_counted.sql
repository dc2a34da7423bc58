{{ config(materialized='view') }}

{#- Customers with a view or cart in the spans of the day's standard. -#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

standards as (

    select * from {{ source('control', 'standards') }}

),

web_events as (

    select * from {{ ref('int_web_events_identified') }}
    where views > 0 or carts > 0

),

windows as (

    select
        as_of_days.as_of_date,
        {{ days_before('as_of_days.as_of_date', 'standards.need_days') }} as needs_start_after,
        {{ days_before('as_of_days.as_of_date', 'standards.potential_buyer_days') }} as browses_start_after
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version

),

counted as (

    select
        windows.as_of_date,
        web_events.customer_id,
        sum(web_events.views) filter (where web_events.occurred_on > windows.needs_start_after) as recent_views,
        sum(web_events.carts) filter (where web_events.occurred_on > windows.needs_start_after) as recent_carts,
        sum(web_events.views + web_events.carts) filter (
            where web_events.occurred_on > windows.browses_start_after
        ) as recent_browses
    from windows
    inner join web_events
        on
            windows.as_of_date >= web_events.occurred_on
            and least(windows.needs_start_after, windows.browses_start_after) < web_events.occurred_on
    group by windows.as_of_date, web_events.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        cast(coalesce(recent_views, 0) as integer) as recent_views,
        cast(coalesce(recent_carts, 0) as integer) as recent_carts,
        cast(coalesce(recent_browses, 0) as integer) as recent_browses
    from counted

)

select * from final
