{#-
    Classified days with the business days of their windows. Joined with a history on equality of the business day, they
    stream: 40 million pairs of a line and a day in half a second, where a join on a range of days sorts both sides.
-#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

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
        business_days.business_day
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join business_days
        on
            as_of_days.as_of_date >= business_days.business_day
            and {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} < business_days.business_day

)

select * from final
order by as_of_date, business_day
