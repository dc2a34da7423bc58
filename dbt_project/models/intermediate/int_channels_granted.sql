{#- The newest consent event up to the day decides; a refusal and a grant of the same moment count as a refusal. -#}

with silences as {{ inlined() }} (

    select * from {{ ref('int_silences_banded') }}
    where is_requested

),

channels as (

    select * from {{ source('control', 'channels') }}
    where capacity > 0

),

reactivation as (

    select * from {{ source('control', 'reactivation') }}

),

attributes as (

    select * from {{ ref('int_customer_attributes') }}

),

consents as (

    select
        aliases.customer_id,
        consents.channel,
        consents.occurred_at,
        {{ business_day('consents.occurred_at') }} as occurred_on,
        consents.is_granted
    from {{ ref('stg_consents') }} as consents
    inner join {{ source('identity', 'customer_aliases') }} as aliases
        on consents.source = aliases.source and consents.customer_ref = aliases.customer_ref

),

ranked as (

    select
        silences.as_of_date,
        silences.customer_id,
        consents.channel as consent_channel,
        consents.is_granted,
        row_number() over (
            partition by silences.as_of_date, silences.customer_id, consents.channel
            order by consents.occurred_at desc, consents.is_granted asc
        ) as events_back
    from silences
    inner join consents
        on silences.customer_id = consents.customer_id and silences.as_of_date >= consents.occurred_on

),

final as (

    select
        silences.as_of_date,
        silences.customer_id,
        channels.channel,
        channels.position,
        coalesce(ranked.is_granted, reactivation.consent_default_reason is not null) as is_granted,
        case
            when ranked.is_granted then 'recorded'
            when ranked.is_granted is null and reactivation.consent_default_reason is not null then 'default'
        end as consent_basis,
        coalesce(
            case channels.contact_point
                when 'phone' then attributes.is_phone_valid
                when 'email' then attributes.is_email_valid
                when 'wechat_id' then attributes.is_wechat_valid
            end, false
        ) as has_contact_point
    from silences
    cross join channels
    cross join reactivation
    left join ranked
        on
            silences.as_of_date = ranked.as_of_date
            and silences.customer_id = ranked.customer_id
            and channels.consent_channel = ranked.consent_channel
            and ranked.events_back = 1
    left join attributes
        on silences.as_of_date = attributes.as_of_date and silences.customer_id = attributes.customer_id

)

select * from final
