with measured as (

    select * from {{ ref('int_customers_measured') }}
    where
        as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested or is_reference)

),

staged as (

    select * from {{ ref('int_lifecycles_staged') }}
    where lifecycle_stage in ('silent', 'churned')

),

tiered as (

    select * from {{ ref('int_values_tiered') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

bands as (

    select * from {{ source('control', 'return_bands') }}

),

silences as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        staged.lifecycle_stage,
        staged.days_silent,
        staged.silence_limit_days,
        tiered.value_tier,
        measured.recency_days,
        measured.last_order_on,
        measured.order_count,
        measured.order_days,
        measured.revenue,
        measured.average_order_value,
        measured.gross_amount,
        measured.discounted_gross_amount
    from measured
    inner join staged
        on measured.as_of_date = staged.as_of_date and measured.customer_id = staged.customer_id
    inner join tiered
        on measured.as_of_date = tiered.as_of_date and measured.customer_id = tiered.customer_id
    inner join standards on measured.standard_version = standards.standard_version
    where measured.recency_days <= standards.maximum_recency_days

),

final as (

    select
        silences.*,
        1 + (
            select count(*)
            from bands
            where
                bands.standard_version = silences.standard_version
                and bands.measure = 'silence_ratio'
                and silences.recency_days > bands.lower_bound * silences.silence_limit_days
        ) as silence_ratio_band,
        1 + (
            select count(*)
            from bands
            where
                bands.standard_version = silences.standard_version
                and bands.measure = 'order_count'
                and silences.order_count >= bands.lower_bound
        ) as order_count_band
    from silences

)

select * from final
