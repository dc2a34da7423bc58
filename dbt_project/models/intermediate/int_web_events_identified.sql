with web_events as (

    select * from {{ ref('stg_web_events') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

final as (

    select
        aliases.customer_id,
        {{ business_day('web_events.occurred_at') }} as occurred_on,
        cast(count(*) filter (where web_events.kind = 'view') as integer) as views,
        cast(count(*) filter (where web_events.kind = 'cart') as integer) as carts
    from web_events
    inner join aliases
        on web_events.source = aliases.source and web_events.customer_ref = aliases.customer_ref
    group by aliases.customer_id, {{ business_day('web_events.occurred_at') }}

)

select * from final
order by customer_id, occurred_on
