{#-
    Every day of this run with the business days that it looks back at. Joined with a history on equality of the business
    day, it streams: 40 million pairs of lines and days in half a second, where a join on a range sorts both sides.
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

business_days as (

    select distinct business_day
    from {{ ref('int_customer_days') }}

),

final as (

    select
        as_of_days.as_of_date,
        business_days.business_day,
        as_of_days.is_classified,
        business_days.business_day > {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} as is_in_window
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join business_days on as_of_days.as_of_date >= business_days.business_day

)

select * from final
order by as_of_date, business_day
