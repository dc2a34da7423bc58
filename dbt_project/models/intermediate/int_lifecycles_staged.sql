{{ config(meta={'by_days': true}) }}

with measured as {{ inlined() }} (

    select * from {{ ref('int_customers_measured') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

population_medians as (

    select
        as_of_date,
        {{ exact_median('median_gap_days') }} as population_median_gap_days
    from measured
    where order_days >= 2
    group by as_of_date

),

gaps as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        measured.is_classified,
        measured.first_order_on,
        measured.recency_days,
        measured.order_count,
        measured.order_days_window,
        measured.longest_gap_closed_days,
        case
            when standards.lifecycle_method = 'fixed' then 'fixed'
            when measured.order_days >= standards.minimum_order_days then 'own_rhythm'
            when population_medians.population_median_gap_days is not null then 'population_rhythm'
            else 'fixed'
        end as limit_basis,
        case
            when measured.order_days >= standards.minimum_order_days then measured.median_gap_days
            else population_medians.population_median_gap_days
        end as gap_days
    from measured
    inner join standards on measured.standard_version = standards.standard_version
    left join population_medians on measured.as_of_date = population_medians.as_of_date

),

limits as (

    select
        gaps.*,
        standards.new_days,
        standards.loyal_order_days,
        cast(
            case
                when gaps.order_count = 0 then null
                when gaps.limit_basis = 'fixed' then standards.fixed_silence_days
                else least(
                    greatest(gaps.gap_days * standards.silence_multiplier, standards.silence_at_least),
                    standards.silence_at_most
                )
            end as decimal(12, 6)
        ) as silence_limit_days,
        cast(
            case
                when gaps.order_count = 0 then null
                when gaps.limit_basis = 'fixed' then standards.fixed_churn_days
                else least(
                    greatest(gaps.gap_days * standards.churn_multiplier, standards.churn_at_least),
                    standards.churn_at_most
                )
            end as decimal(12, 6)
        ) as churn_limit_days
    from gaps
    inner join standards on gaps.standard_version = standards.standard_version

),

stages as (

    select
        *,
        case
            when order_count = 0 then 'prospect'
            when first_order_on > {{ days_before('as_of_date', 'new_days') }} then 'new'
            when longest_gap_closed_days > silence_limit_days then 'reactivated'
            when recency_days <= silence_limit_days then 'active'
            when recency_days <= churn_limit_days then 'silent'
            else 'churned'
        end as lifecycle_stage
    from limits

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        is_classified,
        lifecycle_stage,
        case lifecycle_stage
            when 'prospect' then 'no_counted_order'
            when 'new' then 'first_order_recent'
            when 'reactivated' then 'returned_after_silence'
            when 'active' then 'recency_within_silence_limit'
            when 'silent' then 'recency_within_churn_limit'
            else 'recency_beyond_churn_limit'
        end as lifecycle_reason,
        case when lifecycle_stage <> 'prospect' then limit_basis end as limit_basis,
        silence_limit_days,
        churn_limit_days,
        longest_gap_closed_days,
        cast(
            case
                when recency_days > silence_limit_days then recency_days - silence_limit_days
                when recency_days <= silence_limit_days then 0
            end as decimal(12, 6)
        ) as days_silent,
        lifecycle_stage = 'active' and order_days_window >= loyal_order_days as is_loyal
    from stages

)

select * from final
