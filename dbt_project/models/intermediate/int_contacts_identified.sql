{{ config(materialized='view') }}

with interactions as (

    select * from {{ ref('stg_interactions') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

final as (

    select
        aliases.customer_id,
        {{ business_day('interactions.occurred_at') }} as occurred_on,
        interactions.channel,
        interactions.direction,
        coalesce(interactions.is_complaint, false) as is_complaint,
        {{ business_day('interactions.resolved_at') }} as resolved_on
    from interactions
    inner join aliases
        on interactions.source = aliases.source and interactions.customer_ref = aliases.customer_ref

)

select * from final
