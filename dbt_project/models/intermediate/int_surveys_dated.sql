{{ config(materialized='view') }}

{#- A customer's newest survey holds from its day to the day of the next one; of one day, the last survey counts. -#}

with surveys as (

    select * from {{ ref('stg_surveys') }}

),

aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

answers as (

    select
        aliases.customer_id,
        {{ business_day('surveys.responded_at') }} as valid_from,
        surveys.need_motive,
        surveys.satisfaction,
        row_number() over (
            partition by aliases.customer_id, {{ business_day('surveys.responded_at') }}
            order by surveys.responded_at desc, surveys.response_id desc, surveys.source desc
        ) as answers_back
    from surveys
    inner join aliases
        on surveys.source = aliases.source and surveys.customer_ref = aliases.customer_ref

),

final as (

    select
        customer_id,
        valid_from,
        {{ valid_to_next_version(['customer_id']) }} as valid_to,
        need_motive,
        satisfaction
    from answers
    where answers_back = 1

)

select * from final
