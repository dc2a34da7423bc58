{{ config(meta={'by_days': true}) }}

with silences as (

    select * from {{ ref('int_silences_banded') }}
    where is_requested

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

causes as (

    select * from {{ ref('int_silence_causes') }}

),

return_rates as (

    select * from {{ ref('return_rates') }}

),

predictions as (

    select * from {{ ref('customer_predictions') }}

),

suppressions as (

    select * from {{ ref('int_silences_suppressed') }}

),

valued as (

    select
        silences.*,
        rfm.rfm_segment,
        causes.silence_cause,
        return_rates.return_rate,
        {#- Whoever is silent has an order, hence an average order value: no further fallback can be reached. -#}
        coalesce(predictions.expected_value_90d, silences.average_order_value) as expected_value,
        case when predictions.expected_value_90d is null then 'average_order_value' else 'expected_value_90d' end
            as expected_value_basis,
        suppressions.suppressed_reason,
        suppressions.best_channel,
        suppressions.consent_basis
    from silences
    inner join rfm
        on silences.as_of_date = rfm.as_of_date and silences.customer_id = rfm.customer_id
    inner join causes
        on silences.as_of_date = causes.as_of_date and silences.customer_id = causes.customer_id
    inner join suppressions
        on silences.as_of_date = suppressions.as_of_date and silences.customer_id = suppressions.customer_id
    left join return_rates
        on
            silences.as_of_date = return_rates.as_of_date
            and silences.silence_ratio_band = return_rates.silence_ratio_band
            and silences.value_tier = return_rates.value_tier
            and silences.order_count_band = return_rates.order_count_band
    left join predictions
        on silences.as_of_date = predictions.as_of_date and silences.customer_id = predictions.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        lifecycle_stage,
        value_tier,
        rfm_segment,
        recency_days,
        days_silent,
        silence_limit_days,
        last_order_on,
        order_count,
        revenue,
        average_order_value,
        silence_cause,
        cast(silence_ratio_band as varchar) || '|' || value_tier || '|' || cast(order_count_band as varchar)
            as return_band,
        return_rate,
        expected_value,
        expected_value_basis,
        cast(round(coalesce(return_rate, 1) * expected_value, 6) as decimal(18, 6)) as priority_score,
        case when return_rate is null then 'value_alone' else 'return_rate_and_value' end as priority_basis,
        suppressed_reason,
        best_channel,
        consent_basis
    from valued

)

select * from final
order by as_of_date, customer_id
