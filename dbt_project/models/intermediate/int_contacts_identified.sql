with interactions as (

    select * from {{ ref('stg_interactions') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

contacts as (

    select
        aliases.customer_id,
        interactions.occurred_at,
        {{ business_day('interactions.occurred_at') }} as occurred_on,
        interactions.channel,
        interactions.direction,
        coalesce(interactions.is_complaint, false) as is_complaint,
        {{ business_day('interactions.resolved_at') }} as resolved_on,
        case when interactions.direction = 'inbound' then interactions.occurred_at end as inbound_at
    from interactions
    inner join aliases
        on interactions.source = aliases.source and interactions.customer_ref = aliases.customer_ref

),

{#- An inbound contact of the same instant stands first, so that only one after an outbound contact can answer it. -#}
answered as (

    select
        customer_id,
        occurred_at,
        occurred_on,
        channel,
        direction,
        is_complaint,
        resolved_on,
        case
            when direction = 'outbound'
                then
                    min(inbound_at) over (
                        partition by customer_id
                        order by occurred_at, case when inbound_at is null then 1 else 0 end
                        rows between 1 following and unbounded following
                    )
        end as answered_at
    from contacts

),

final as (

    select
        customer_id,
        occurred_on,
        channel,
        direction,
        is_complaint,
        resolved_on,
        {{ business_day('answered_at') }} as answered_on,
        {{ microseconds_between('occurred_at', 'answered_at') }} as reply_microseconds
    from answered

)

select * from final
order by customer_id, occurred_on
