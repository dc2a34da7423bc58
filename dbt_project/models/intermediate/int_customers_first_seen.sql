with aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

records as (

    {{ first_appearances(ref('stg_customers'), 'least(registered_on, ' ~ business_day('created_at') ~ ')') }}
    union all
    {{ first_appearances(ref('stg_leads'), business_day('created_at')) }}
    union all
    {{ first_appearances(ref('stg_opportunities'), business_day('created_at')) }}

),

first_seen as (

    select
        aliases.customer_id,
        records.seen_on
    from records
    inner join aliases
        on records.source = aliases.source and records.customer_ref = aliases.customer_ref
    union all
    select
        customer_id,
        occurred_on as seen_on
    from {{ ref('int_contacts_identified') }}
    union all
    select
        customer_id,
        occurred_on as seen_on
    from {{ ref('int_web_events_identified') }}
    union all
    select
        customer_id,
        ordered_on as seen_on
    from {{ ref('int_orders_valued') }}
    where customer_id is not null

),

final as (

    select
        customer_id,
        min(seen_on) as first_seen_on
    from first_seen
    group by customer_id

)

select * from final
order by customer_id
