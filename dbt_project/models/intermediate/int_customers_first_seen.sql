with aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

appearances as (

    select
        source,
        customer_ref,
        min(
            coalesce(least(registered_on, {{ business_day('created_at') }}), {{ business_day('landed_at') }})
        ) as seen_on
    from {{ ref('stg_customers') }}
    where not is_deleted
    group by source, customer_ref
    union all
    select
        source,
        customer_ref,
        min(coalesce({{ business_day('created_at') }}, {{ business_day('landed_at') }})) as seen_on
    from {{ ref('stg_leads') }}
    where not is_deleted
    group by source, customer_ref
    union all
    select
        source,
        customer_ref,
        min(coalesce({{ business_day('created_at') }}, {{ business_day('landed_at') }})) as seen_on
    from {{ ref('stg_opportunities') }}
    where not is_deleted
    group by source, customer_ref
    union all
    select
        source,
        customer_ref,
        min({{ business_day('occurred_at') }}) as seen_on
    from {{ ref('stg_interactions') }}
    group by source, customer_ref
    union all
    select
        source,
        customer_ref,
        min({{ business_day('occurred_at') }}) as seen_on
    from {{ ref('stg_web_events') }}
    group by source, customer_ref

),

first_seen as (

    select
        aliases.customer_id,
        appearances.seen_on
    from appearances
    inner join aliases
        on appearances.source = aliases.source and appearances.customer_ref = aliases.customer_ref
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
