{{ config(meta={'by_days': true}) }}

with features as {{ inlined() }} (

    select * from {{ ref('int_customer_features') }}

),

predictions as (

    select * from {{ ref('int_customers_predicted') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

distinct_counts as (

    select
        as_of_date,
        standard_version,
        order_count_window,
        count(*) as customers
    from features
    where order_count_window > 0
    group by as_of_date, standard_version, order_count_window

),

distribution as (

    select
        as_of_date,
        standard_version,
        order_count_window,
        sum(customers) over (partition by as_of_date order by order_count_window) as customers_at_or_below,
        sum(customers) over (partition by as_of_date) as customers_in_all
    from distinct_counts

),

{#- Cut k of n: the smallest observed count with at least k/n of the customers at or below it, in whole numbers. -#}
frequency_cuts as (

    select
        distribution.as_of_date,
        min(distribution.order_count_window) as high_frequency_cut
    from distribution
    inner join standards on distribution.standard_version = standards.standard_version
    where
        distribution.customers_at_or_below * standards.high_frequency_bins
        >= standards.high_frequency_cut * distribution.customers_in_all
    group by distribution.as_of_date

),

risks as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        features.order_count,
        features.order_count_window,
        features.is_trial_converted,
        features.recent_browses,
        frequency_cuts.high_frequency_cut,
        case
            when
                features.order_count_prior_90d >= 1
                and features.order_count_90d <= standards.at_risk_drop * features.order_count_prior_90d
                then 'orders_dropped'
            when features.recent_complaints > 0 then 'recent_complaint'
            when predictions.probability_alive < standards.at_risk_alive_below then 'probably_gone'
        end as at_risk_reason
    from features
    inner join standards on features.standard_version = standards.standard_version
    left join frequency_cuts on features.as_of_date = frequency_cuts.as_of_date
    left join predictions
        on features.as_of_date = predictions.as_of_date and features.customer_id = predictions.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        order_count_window > high_frequency_cut as is_high_frequency,
        high_frequency_cut,
        is_trial_converted,
        at_risk_reason is not null as is_at_risk,
        coalesce(at_risk_reason, 'no_sign') as at_risk_reason,
        case when recent_browses is not null then order_count = 0 and recent_browses > 0 end as is_potential_buyer
    from risks

)

select * from final
