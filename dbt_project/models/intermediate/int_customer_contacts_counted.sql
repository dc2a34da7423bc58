{{ config(materialized='view') }}

{#- Where no interaction is landed at all there are no rows: the counts are then unknown, not 0. -#}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

customers as (

    select * from {{ ref('int_customers_first_seen') }}

),

contacts as (

    select * from {{ ref('int_contacts_identified') }}

),

known_days as (

    select as_of_date
    from as_of_days
    where (select count(*) from contacts) > 0

),

counted as (

    select
        known_days.as_of_date,
        contacts.customer_id,
        count(*) filter (
            where contacts.channel = 'service'
            and contacts.occurred_on > {{ days_before('known_days.as_of_date', 365) }}
        ) as service_contacts_365d,
        count(*) filter (
            where contacts.is_complaint
            and contacts.occurred_on > {{ days_before('known_days.as_of_date', 365) }}
        ) as complaints_365d,
        count(*) filter (
            where contacts.occurred_on > {{ days_before('known_days.as_of_date', 90) }}
        ) as interactions_90d
    from known_days
    inner join contacts on known_days.as_of_date >= contacts.occurred_on
    group by known_days.as_of_date, contacts.customer_id

),

final as (

    select
        known_days.as_of_date,
        customers.customer_id,
        coalesce(counted.service_contacts_365d, 0) as service_contacts_365d,
        coalesce(counted.complaints_365d, 0) as complaints_365d,
        coalesce(counted.interactions_90d, 0) as interactions_90d
    from known_days
    inner join customers on known_days.as_of_date >= customers.first_seen_on
    left join counted
        on known_days.as_of_date = counted.as_of_date and customers.customer_id = counted.customer_id

)

select * from final
