{{ config(materialized='view') }}

with silences as {{ inlined() }} (

    select * from {{ ref('int_silences_banded') }}
    where is_requested

),

standards as (

    select * from {{ source('control', 'standards') }}

),

complaints as (

    select
        customer_id,
        occurred_on
    from {{ ref('int_contacts_identified') }}
    where is_complaint

),

{#- Whoever bought on fewer days can be told neither by a season nor by growing gaps: most of the silent. -#}
often_buyers as (

    select
        silences.as_of_date,
        silences.customer_id,
        silences.standard_version
    from silences
    inner join standards on silences.standard_version = standards.standard_version
    where silences.order_days >= least(standards.seasonal_order_days, standards.fading_gaps + 1)

),

order_days as (

    select
        customer_id,
        business_day,
        gap_days
    from {{ ref('int_customer_days') }}
    where order_count > 0

),

complained as (

    select distinct
        silences.as_of_date,
        silences.customer_id
    from silences
    inner join standards on silences.standard_version = standards.standard_version
    inner join complaints
        on
            silences.customer_id = complaints.customer_id
            and silences.as_of_date >= complaints.occurred_on
            and complaints.occurred_on
            >= {{ days_before('silences.last_order_on', 'standards.complaint_days') }}

),

purchases as (

    select
        often_buyers.as_of_date,
        often_buyers.customer_id,
        often_buyers.standard_version,
        order_days.gap_days,
        lead(order_days.gap_days) over latest_first as previous_gap_days,
        extract(month from order_days.business_day) as calendar_month,
        extract(year from order_days.business_day) as calendar_year,
        row_number() over latest_first as purchases_back
    from often_buyers
    inner join order_days
        on often_buyers.customer_id = order_days.customer_id and often_buyers.as_of_date >= order_days.business_day
    window latest_first as (
        partition by often_buyers.as_of_date, often_buyers.customer_id order by order_days.business_day desc
    )

),

{#- A season is three adjacent calendar months; December and January are adjacent. -#}
rhythms as (

    select
        purchases.as_of_date,
        purchases.customer_id,
        count(distinct purchases.calendar_year) as years,
        count(*) filter (
            where purchases.purchases_back < standards.fading_gaps
            and purchases.gap_days > purchases.previous_gap_days
        ) as latest_rises,
        greatest(
            {%- for first_month in range(1, 13) %}
                count(*) filter (
                    where (purchases.calendar_month - {{ first_month }} + 12) % 12 < 3
                ){{ ',' if not loop.last }}
            {%- endfor %}
        ) as busiest_season_order_days
    from purchases
    inner join standards on purchases.standard_version = standards.standard_version
    group by purchases.as_of_date, purchases.customer_id

),

final as (

    select
        silences.as_of_date,
        silences.customer_id,
        case
            when complained.customer_id is not null then 'after_complaint'
            when silences.order_days = 1 then 'one_time_buyer'
            when silences.discounted_gross_amount > standards.price_share * silences.gross_amount then 'price'
            when
                silences.order_days >= standards.seasonal_order_days
                and rhythms.years >= standards.seasonal_years
                and rhythms.busiest_season_order_days >= standards.seasonal_share * silences.order_days
                then 'seasonal'
            when
                silences.order_days > standards.fading_gaps
                and rhythms.latest_rises = standards.fading_gaps - 1
                then 'fading'
            else 'unknown'
        end as silence_cause
    from silences
    inner join standards on silences.standard_version = standards.standard_version
    left join complained
        on silences.as_of_date = complained.as_of_date and silences.customer_id = complained.customer_id
    left join rhythms
        on silences.as_of_date = rhythms.as_of_date and silences.customer_id = rhythms.customer_id

)

select * from final
