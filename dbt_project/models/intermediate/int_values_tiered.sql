{{ config(meta={'by_days': true}) }}

with measured as (

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
        standards.value_high_cut,
        standards.value_mid_cut,
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
        value,
        count(*) as customers,
        cast(sum(value) as decimal(18, 2)) as value_sum
    from chosen
    where value > 0
    group by as_of_date, value

),

{#- Equal values stand together: everything that ranks them is computed once a distinct value. -#}
standings as (

    select
        as_of_date,
        value,
        customers,
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

totals as (

    select
        as_of_date,
        cast(sum(value_sum) as decimal(18, 2)) as total_value
    from distinct_values
    group by as_of_date

),

tiers as (

    select
        chosen.*,
        standings.value_above,
        standings.value_sum,
        standings.customers_above,
        standings.total_customers,
        totals.total_value,
        case
            when chosen.order_count = 0 then 'prospect'
            when chosen.order_count_window = 0 then 'low'
            when chosen.value is null then 'unknown'
            when chosen.value <= 0 then 'low'
            when chosen.value_method = 'share'
                then
                    case
                        when standings.value_above < chosen.value_high_cut * standings.total_value then 'high'
                        when standings.value_above < chosen.value_mid_cut * standings.total_value then 'mid'
                        else 'low'
                    end
            when chosen.value_method = 'percentile'
                then
                    case
                        when standings.customers_above < chosen.value_high_cut * standings.total_customers then 'high'
                        when standings.customers_above < chosen.value_mid_cut * standings.total_customers then 'mid'
                        else 'low'
                    end
            when chosen.value >= chosen.value_high_cut then 'high'
            when chosen.value >= chosen.value_mid_cut then 'mid'
            else 'low'
        end as value_tier
    from chosen
    left join standings
        on chosen.as_of_date = standings.as_of_date and chosen.value = standings.value
    left join totals on chosen.as_of_date = totals.as_of_date

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        is_classified,
        value_tier,
        case
            when order_count = 0 then 'no_counted_order'
            when order_count_window = 0 then 'no_order_in_window'
            when value is null then 'cost_unknown'
            when value <= 0 then 'no_positive_value'
            when value_method = 'share' then 'share_of_value_above'
            when value_method = 'percentile' then 'share_of_customers_above'
            else 'value_threshold'
        end as value_reason,
        value_measure,
        value,
        case
            when value > 0 then {{ ratio('value', 'total_value') }}
            when value <= 0 then cast(0 as decimal(18, 6))
        end as value_share,
        case value_method
            when 'share' then {{ ratio('value_above', 'total_value') }}
            when 'percentile' then {{ ratio('customers_above', 'total_customers') }}
        end as share_above,
        case
            when value > 0 then {{ ratio('value_above + value_sum', 'total_value') }}
            when value <= 0 and total_value > 0 then cast(1 as decimal(18, 6))
        end as cumulative_value_share
    from tiers

)

select * from final
