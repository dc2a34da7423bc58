with requested_days as (

    select * from {{ ref('int_requested_days_grouped') }}
    where previous_on is not null

),

fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}
    where is_requested

),

{% for side, day in {'days_before': 'previous_on', 'days_after': 'as_of_date'}.items() -%}
    {{ side }} as (

        select
            requested_days.as_of_date,
            requested_days.stretch,
            fingerprints.customer_id,
            fingerprints.fingerprint
        from requested_days
        inner join fingerprints on requested_days.{{ day }} = fingerprints.as_of_date

    ),

{% endfor -%}

final as (

    select
        coalesce(days_after.customer_id, days_before.customer_id) as customer_id,
        coalesce(days_after.stretch, days_before.stretch) as stretch,
        coalesce(days_after.as_of_date, days_before.as_of_date) as as_of_date
    from days_after
    full join days_before
        on days_after.as_of_date = days_before.as_of_date and days_after.customer_id = days_before.customer_id
    where days_after.fingerprint is distinct from days_before.fingerprint

)

select * from final
