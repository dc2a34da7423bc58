with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

history_days as (

    select * from {{ source('control', 'history_days') }}
    where as_of_date not in (select as_of_date from as_of_days)

),

days as (

    select
        as_of_date,
        standard_version,
        true as is_requested
    from as_of_days
    union all
    select
        as_of_date,
        standard_version,
        false as is_requested
    from history_days

),

days_in_turn as (

    select
        as_of_date,
        standard_version,
        is_requested,
        lag(as_of_date) over (order by as_of_date) as previous_on,
        coalesce(lag(is_requested) over (order by as_of_date), false) as is_previous_requested,
        coalesce(lead(as_of_date) over (order by as_of_date), date '9999-12-31') as next_on
    from days

),

requested_days as (

    select
        as_of_date,
        standard_version,
        is_previous_requested,
        next_on,
        case when is_previous_requested then previous_on end as previous_on,
        sum(case when is_previous_requested then 0 else 1 end) over (order by as_of_date) as stretch
    from days_in_turn
    where is_requested

),

final as (

    select
        as_of_date,
        standard_version,
        cast(stretch as integer) as stretch,
        previous_on,
        min(as_of_date) over (partition by stretch) as stretch_starts_on,
        max(next_on) over (partition by stretch) as stretch_ends_on
    from requested_days

)

select * from final
