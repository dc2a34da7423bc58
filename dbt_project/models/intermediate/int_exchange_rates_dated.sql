{{ config(materialized='view') }}

{#- A rate holds from its date to the next one, at most for the age limit of the settings. -#}

with rates as (

    select * from {{ ref('stg_exchange_rates') }}

),

final as (

    select
        currency,
        date as valid_from,
        least(
            coalesce(lead(date) over (partition by currency order by date), date '9999-12-31'),
            date + cast({{ env_var('STRATA_EXCHANGE_RATE_MAX_AGE_DAYS', '7') }} + 1 as integer)
        ) as valid_to,
        rate
    from rates

)

select * from final
