{{ config(meta={'by_days': true, 'by_customers': true}) }}

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

bounds as (

    select
        standard_version,
        measure,
        lower_bound
    from bands
    union all
    select
        standards.standard_version,
        measures.measure,
        null as lower_bound
    from standards
    cross join (values ('silence_ratio'), ('order_count')) as measures (measure)

),

{#- Bands as spans, the first open below and the last above: a silence finds its own by a join. -#}
spans as (

    select
        standard_version,
        measure,
        lower_bound,
        lead(lower_bound) over (
            partition by standard_version, measure order by lower_bound asc nulls first
        ) as upper_bound,
        row_number() over (partition by standard_version, measure order by lower_bound asc nulls first) as band
    from bounds

),

final as (

    select
        silences.*,
        silence_ratios.band as silence_ratio_band,
        order_counts.band as order_count_band
    from silences
    inner join spans as silence_ratios
        on
            silences.standard_version = silence_ratios.standard_version
            and silence_ratios.measure = 'silence_ratio'
            and (
                silence_ratios.lower_bound is null
                or silences.recency_days > silence_ratios.lower_bound * silences.silence_limit_days
            )
            and (
                silence_ratios.upper_bound is null
                or silences.recency_days <= silence_ratios.upper_bound * silences.silence_limit_days
            )
    inner join spans as order_counts
        on
            silences.standard_version = order_counts.standard_version
            and order_counts.measure = 'order_count'
            and (order_counts.lower_bound is null or silences.order_count >= order_counts.lower_bound)
            and (order_counts.upper_bound is null or silences.order_count < order_counts.upper_bound)

)

select * from final
