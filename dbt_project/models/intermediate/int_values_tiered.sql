{{ config(meta={'by_days': true}) }}

with measured as {{ inlined() }} (

    select * from {{ ref('int_customers_measured') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

chosen as {{ inlined() }} (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        measured.is_classified,
        measured.order_count,
        measured.order_count_window,
        standards.value_measure,
        standards.value_method,
        case standards.value_measure
            when 'margin' then measured.margin_window
            else measured.revenue_window
        end as value
    from measured
    inner join standards on measured.standard_version = standards.standard_version

),

distinct_values as (

    select
        as_of_date,
        standard_version,
        value,
        count(*) as customers,
        cast(sum(value) as decimal(18, 2)) as value_sum
    from chosen
    where value > 0
    group by as_of_date, standard_version, value

),

{#- Equal values stand together: everything that ranks them is computed once a distinct value. -#}
standings as (

    select
        as_of_date,
        standard_version,
        value,
        value_sum,
        cast(sum(value_sum) over at_or_above as decimal(18, 2)) - value_sum as value_above,
        cast(sum(customers) over at_or_above as bigint) - customers as customers_above,
        cast(sum(value_sum) over (partition by as_of_date) as decimal(18, 2)) as total_value,
        cast(sum(customers) over (partition by as_of_date) as bigint) as total_customers
    from distinct_values
    window at_or_above as (
        partition by as_of_date order by value desc rows between unbounded preceding and current row
    )

),

placed as (

    select
        standings.as_of_date,
        standings.value,
        case
            when standards.value_method = 'share'
                then
                    case
                        when standings.value_above < standards.value_high_cut * standings.total_value then 'high'
                        when standings.value_above < standards.value_mid_cut * standings.total_value then 'mid'
                        else 'low'
                    end
            when standards.value_method = 'percentile'
                then
                    case
                        when standings.customers_above < standards.value_high_cut * standings.total_customers
                            then 'high'
                        when standings.customers_above < standards.value_mid_cut * standings.total_customers
                            then 'mid'
                        else 'low'
                    end
            when standings.value >= standards.value_high_cut then 'high'
            when standings.value >= standards.value_mid_cut then 'mid'
            else 'low'
        end as value_tier,
        {{ ratio('standings.value', 'standings.total_value') }} as value_share,
        case standards.value_method
            when 'share' then {{ ratio('standings.value_above', 'standings.total_value') }}
            when 'percentile' then {{ ratio('standings.customers_above', 'standings.total_customers') }}
        end as share_above,
        {{ ratio('standings.value_above + standings.value_sum', 'standings.total_value') }} as cumulative_value_share
    from standings
    inner join standards on standings.standard_version = standards.standard_version

),

days_with_value as (

    select distinct as_of_date
    from distinct_values

),

final as (

    select
        chosen.as_of_date,
        chosen.customer_id,
        chosen.standard_version,
        chosen.is_requested,
        chosen.is_classified,
        case
            when chosen.order_count = 0 then 'prospect'
            when chosen.order_count_window = 0 then 'low'
            when chosen.value is null then 'unknown'
            when chosen.value <= 0 then 'low'
            else placed.value_tier
        end as value_tier,
        case
            when chosen.order_count = 0 then 'no_counted_order'
            when chosen.order_count_window = 0 then 'no_order_in_window'
            when chosen.value is null then 'cost_unknown'
            when chosen.value <= 0 then 'no_positive_value'
            when chosen.value_method = 'share' then 'share_of_value_above'
            when chosen.value_method = 'percentile' then 'share_of_customers_above'
            else 'value_threshold'
        end as value_reason,
        chosen.value_measure,
        chosen.value,
        case when chosen.value <= 0 then cast(0 as decimal(18, 6)) else placed.value_share end as value_share,
        placed.share_above,
        case
            when chosen.value <= 0 and days_with_value.as_of_date is not null then cast(1 as decimal(18, 6))
            else placed.cumulative_value_share
        end as cumulative_value_share
    from chosen
    left join placed
        on chosen.as_of_date = placed.as_of_date and chosen.value = placed.value
    left join days_with_value on chosen.as_of_date = days_with_value.as_of_date

)

select * from final
