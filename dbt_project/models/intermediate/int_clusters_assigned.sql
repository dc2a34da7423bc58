{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

standards as (

    select * from {{ source('control', 'standards') }}
    where has_clusters

),

cluster_days as (

    select * from {{ source('control', 'cluster_days') }}

),

cluster_centres as (

    select * from {{ source('control', 'cluster_centres') }}

),

fits as (

    select
        fit,
        {{ pivoted_cluster_centres() }}
    from cluster_centres
    group by fit

),

{#- Without an order in the window the frequency is unknown, and with it every distance. -#}
logged as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        ln(1 + features.recency_days) as logged_recency,
        ln(nullif(features.order_count_window, 0)) as logged_frequency,
        case when features.revenue_window > 0 then ln(1 + features.revenue_window) else 0 end as logged_monetary
    from features
    inner join standards on features.standard_version = standards.standard_version

),

standardised as (

    select
        logged.as_of_date,
        logged.customer_id,
        logged.standard_version,
        logged.is_requested,
        fits.*,
        (logged.logged_recency - fits.recency_mean) / fits.recency_deviation as recency,
        (logged.logged_frequency - fits.frequency_mean) / fits.frequency_deviation as frequency,
        (logged.logged_monetary - fits.monetary_mean) / fits.monetary_deviation as monetary
    from logged
    left join cluster_days on logged.as_of_date = cluster_days.as_of_date
    left join fits on cluster_days.fit = fits.fit

),

distances as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        {{ cluster_distances() }}
    from standardised

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        {{ nearest_cluster() }} as cluster
    from distances

)

select * from final
