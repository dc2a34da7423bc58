with personal as (

    select * from {{ ref('stg_customers_personal') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

ranked as (

    select
        aliases.customer_id,
        personal.name,
        case when personal.is_phone_valid then personal.phone end as phone,
        case when personal.is_email_valid then personal.email end as email,
        case when personal.is_wechat_valid then personal.wechat_id end as wechat_id,
        row_number() over (
            partition by aliases.customer_id
            order by personal.batch_sequence, personal.row_number, personal.source, personal.customer_ref
        ) as precedence
    from personal
    inner join aliases
        on personal.source = aliases.source and personal.customer_ref = aliases.customer_ref

),

merged as (

    select
        customer_id,
        {{ newest_known('name', 'precedence') }} as name,
        {{ newest_known('phone', 'precedence') }} as phone,
        {{ newest_known('email', 'precedence') }} as email,
        {{ newest_known('wechat_id', 'precedence') }} as wechat_id
    from ranked
    group by customer_id

),

standing_objections as (

    select customer_id
    from {{ ref('int_profiling_objections') }}
    where is_standing

),

{#- No list reaches who objects to profiling, whoever was put on it before. -#}
final as (

    select
        merged.customer_id,
        merged.name,
        merged.phone,
        merged.email,
        merged.wechat_id
    from merged
    left join standing_objections on merged.customer_id = standing_objections.customer_id
    where standing_objections.customer_id is null

)

select * from final
order by customer_id
