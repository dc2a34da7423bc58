with aliases as {{ inlined() }} (

    select * from {{ source('identity', 'customer_aliases') }}

),

choices as (

    select
        aliases.customer_id,
        {{ business_day('consents.occurred_at') }} as chosen_on,
        consents.occurred_at,
        consents.is_granted
    from {{ ref('stg_consents') }} as consents
    inner join aliases
        on consents.source = aliases.source and consents.customer_ref = aliases.customer_ref
    where consents.channel = 'profiling'
    union all
    select
        aliases.customer_id,
        {{ business_day('choices.occurred_at') }} as chosen_on,
        choices.occurred_at,
        choices.is_granted
    from {{ source('control', 'profiling_choices') }} as choices
    inner join aliases on choices.registry_id = aliases.registry_id

),

{#- The newest choice of a day holds from that day on; an objection and its withdrawal of the same moment is one. -#}
ranked as (

    select
        customer_id,
        chosen_on,
        is_granted,
        row_number() over (
            partition by customer_id, chosen_on
            order by occurred_at desc, is_granted asc
        ) as choices_back
    from choices

),

days as (

    select
        customer_id,
        chosen_on,
        is_granted,
        lead(chosen_on) over (partition by customer_id order by chosen_on) as next_on
    from ranked
    where choices_back = 1

),

final as (

    select
        customer_id,
        chosen_on as valid_from,
        coalesce(next_on, date '9999-12-31') as valid_to,
        next_on is null as is_standing
    from days
    where not is_granted

)

select * from final
order by customer_id, valid_from
