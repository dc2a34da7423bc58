{{ config(meta={'by_days': true, 'by_customers': true}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

windows as (

    select
        as_of_days.as_of_date,
        as_of_days.standard_version,
        as_of_days.is_requested,
        as_of_days.is_classified,
        {{ days_before('as_of_days.as_of_date', 'standards.window_days') }} as window_starts_after,
        {{ days_before('as_of_days.as_of_date', 'standards.reactivated_days') }} as reactivated_starts_after,
        {{ days_before('as_of_days.as_of_date', 90) }} as last_90_days_start_after,
        {{ days_before('as_of_days.as_of_date', 180) }} as prior_90_days_start_after
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version

),

population as (

    select
        windows.as_of_date,
        windows.standard_version,
        windows.is_requested,
        windows.is_classified,
        first_seen.customer_id,
        first_seen.first_seen_on
    from windows
    inner join {{ ref('int_customers_first_seen') }} as first_seen
        on windows.as_of_date >= first_seen.first_seen_on
    left join {{ ref('int_profiling_objections') }} as objections
        on
            first_seen.customer_id = objections.customer_id
            and windows.as_of_date >= objections.valid_from
            and windows.as_of_date < objections.valid_to
    where objections.customer_id is null

),

{#- By `case` and not by `filter`, which takes a quarter more processor time where there are many. -#}
days as (

    select
        windows.as_of_date,
        customer_days.*,
        customer_days.gross_amount - customer_days.discount_amount - customer_days.refund_amount as revenue,
        customer_days.order_count > 0 as has_order,
        customer_days.business_day > windows.reactivated_starts_after as is_reactivating,
        customer_days.business_day > windows.window_starts_after as is_in_window,
        customer_days.business_day > windows.last_90_days_start_after as is_in_last_90_days,
        customer_days.business_day > windows.prior_90_days_start_after
        and customer_days.business_day <= windows.last_90_days_start_after as is_in_prior_90_days
    from windows
    inner join customer_days on windows.as_of_date >= customer_days.business_day

),

totals as (

    select
        as_of_date,
        customer_id,
        min(case when has_order then business_day end) as first_order_on,
        max(case when has_order then business_day end) as last_order_on,
        cast(sum(order_count) as bigint) as order_count,
        count(case when has_order then 1 end) as order_days,
        count(case when has_order and gross_amount > discount_amount then 1 end) as paid_order_days,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discounted_gross_amount) as decimal(18, 2)) as discounted_gross_amount,
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(cost_amount) as decimal(18, 2)) as cost_amount,
        cast(sum(orders_without_cost) as bigint) as orders_without_cost,
        {{ exact_median('gap_days') }} as median_gap_days,
        max(case when is_reactivating then gap_days end) as longest_gap_closed_days,
        cast(sum(case when is_in_window then order_count end) as bigint) as order_count_window,
        count(case when is_in_window and has_order then 1 end) as order_days_window,
        cast(sum(case when is_in_window then gross_amount end) as decimal(18, 2)) as gross_amount_window,
        cast(sum(case when is_in_window then discount_amount end) as decimal(18, 2)) as discount_amount_window,
        cast(sum(case when is_in_window then refund_amount end) as decimal(18, 2)) as refund_amount_window,
        cast(sum(case when is_in_window then cost_amount end) as decimal(18, 2)) as cost_amount_window,
        cast(sum(case when is_in_window then orders_without_cost end) as bigint) as orders_without_cost_window,
        cast(sum(case when is_in_last_90_days then order_count end) as bigint) as order_count_90d,
        count(case when is_in_last_90_days and has_order then 1 end) as order_days_90d,
        cast(sum(case when is_in_last_90_days then revenue end) as decimal(18, 2)) as revenue_90d,
        cast(sum(case when is_in_prior_90_days then order_count end) as bigint) as order_count_prior_90d,
        cast(sum(case when is_in_prior_90_days then revenue end) as decimal(18, 2)) as revenue_prior_90d
    from days
    group by as_of_date, customer_id

),

measures as (

    select
        population.as_of_date,
        population.standard_version,
        population.is_requested,
        population.is_classified,
        population.customer_id,
        population.first_seen_on,
        totals.first_order_on,
        totals.last_order_on,
        totals.median_gap_days,
        totals.longest_gap_closed_days,
        coalesce(totals.order_count, 0) as order_count,
        coalesce(totals.order_days, 0) as order_days,
        coalesce(totals.paid_order_days, 0) as paid_order_days,
        coalesce(totals.gross_amount, 0) as gross_amount,
        coalesce(totals.discounted_gross_amount, 0) as discounted_gross_amount,
        coalesce(totals.revenue, 0) as revenue,
        coalesce(totals.cost_amount, 0) as cost_amount,
        coalesce(totals.orders_without_cost, 0) as orders_without_cost,
        coalesce(totals.order_count_window, 0) as order_count_window,
        coalesce(totals.order_days_window, 0) as order_days_window,
        coalesce(totals.gross_amount_window, 0) as gross_amount_window,
        coalesce(totals.discount_amount_window, 0) as discount_amount_window,
        coalesce(totals.refund_amount_window, 0) as refund_amount_window,
        coalesce(totals.cost_amount_window, 0) as cost_amount_window,
        coalesce(totals.orders_without_cost_window, 0) as orders_without_cost_window,
        coalesce(totals.order_count_90d, 0) as order_count_90d,
        coalesce(totals.order_days_90d, 0) as order_days_90d,
        coalesce(totals.revenue_90d, 0) as revenue_90d,
        coalesce(totals.order_count_prior_90d, 0) as order_count_prior_90d,
        coalesce(totals.revenue_prior_90d, 0) as revenue_prior_90d
    from population
    left join totals
        on population.as_of_date = totals.as_of_date and population.customer_id = totals.customer_id

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        is_classified,
        first_seen_on,
        first_order_on,
        last_order_on,
        cast({{ days_between('last_order_on', 'as_of_date') }} as integer) as recency_days,
        cast({{ days_between('first_order_on', 'as_of_date') }} as integer) as tenure_days,
        cast(order_count as integer) as order_count,
        cast(order_days as integer) as order_days,
        cast(paid_order_days as integer) as paid_order_days,
        cast(revenue as decimal(18, 2)) as revenue,
        cast(case when orders_without_cost = 0 then revenue - cost_amount end as decimal(18, 2)) as margin,
        {{ ratio('revenue', 'order_count') }} as average_order_value,
        median_gap_days,
        cast(longest_gap_closed_days as integer) as longest_gap_closed_days,
        cast(gross_amount as decimal(18, 2)) as gross_amount,
        cast(discounted_gross_amount as decimal(18, 2)) as discounted_gross_amount,
        cast(order_count_window as integer) as order_count_window,
        cast(order_days_window as integer) as order_days_window,
        cast(gross_amount_window - discount_amount_window - refund_amount_window as decimal(18, 2)) as revenue_window,
        cast(
            case
                when orders_without_cost_window = 0
                    then gross_amount_window - discount_amount_window - refund_amount_window - cost_amount_window
            end as decimal(18, 2)
        ) as margin_window,
        cast(order_count_90d as integer) as order_count_90d,
        cast(order_days_90d as integer) as order_days_90d,
        cast(revenue_90d as decimal(18, 2)) as revenue_90d,
        cast(order_count_prior_90d as integer) as order_count_prior_90d,
        cast(revenue_prior_90d as decimal(18, 2)) as revenue_prior_90d,
        {{ ratio('discount_amount_window', 'gross_amount_window') }} as discount_share,
        {{ ratio('refund_amount_window', 'gross_amount_window - discount_amount_window') }} as refund_share
    from measures

)

select * from final
