with measured as {{ inlined() }} (

    select * from {{ ref('int_customers_measured') }}
    where order_count_window > 0

),

standards as (

    select * from {{ source('control', 'standards') }}

),

thresholds as (

    select * from {{ source('control', 'rfm_thresholds') }}

),

{#- Recency is negated, so that for all three measures more is better. -#}
scored as (

    select
        as_of_date,
        standard_version,
        'recency' as measure,
        cast(-recency_days as decimal(18, 2)) as value
    from measured
    union all
    select
        as_of_date,
        standard_version,
        'frequency' as measure,
        cast(order_count_window as decimal(18, 2)) as value
    from measured
    union all
    select
        as_of_date,
        standard_version,
        'monetary' as measure,
        revenue_window as value
    from measured

),

distinct_values as (

    select
        as_of_date,
        standard_version,
        measure,
        value,
        count(*) as customers,
        sum(value) as value_sum
    from scored
    group by as_of_date, standard_version, measure, value

),

distribution as (

    select
        as_of_date,
        standard_version,
        measure,
        value,
        sum(customers) over (partition by as_of_date, measure order by value) as customers_at_or_below,
        sum(customers) over (partition by as_of_date, measure) as customers_in_all
    from distinct_values

),

{#- Cut k of n: the smallest observed value with at least k/n of the customers at or below it, in whole numbers. -#}
quantile_cuts as (

    select
        distribution.as_of_date,
        distribution.standard_version,
        distribution.measure,
        cut_numbers.cut_number,
        min(distribution.value) as cut_numerator,
        1 as cut_denominator
    from distribution
    inner join standards on distribution.standard_version = standards.standard_version
    inner join (values (1), (2), (3), (4), (5), (6), (7), (8)) as cut_numbers (cut_number)
        on standards.rfm_bins > cut_numbers.cut_number
    where
        standards.rfm_method = 'quantile'
        and distribution.customers_at_or_below * standards.rfm_bins
        >= cut_numbers.cut_number * distribution.customers_in_all
    group by
        distribution.as_of_date,
        distribution.standard_version,
        distribution.measure,
        cut_numbers.cut_number

),

days as (

    select distinct
        as_of_date,
        standard_version,
        is_requested,
        is_classified
    from measured

),

threshold_cuts as (

    select
        days.as_of_date,
        thresholds.standard_version,
        thresholds.measure,
        thresholds.cut_number,
        case thresholds.measure when 'recency' then -thresholds.cut_value else thresholds.cut_value end
            as cut_numerator,
        1 as cut_denominator
    from thresholds
    inner join standards on thresholds.standard_version = standards.standard_version
    inner join days on thresholds.standard_version = days.standard_version
    where standards.rfm_method = 'threshold'

),

{#- Mean and median as fractions: a value stands at or above them when value × denominator >= numerator, exactly. -#}
means as (

    select
        as_of_date,
        standard_version,
        measure,
        1 as cut_number,
        sum(value_sum) as cut_numerator,
        sum(customers) as cut_denominator
    from distinct_values
    group by as_of_date, standard_version, measure

),

medians as (

    select
        as_of_date,
        standard_version,
        measure,
        1 as cut_number,
        min(value) filter (where 2 * customers_at_or_below >= customers_in_all)
        + min(value) filter (where 2 * customers_at_or_below > customers_in_all) as cut_numerator,
        2 as cut_denominator
    from distribution
    group by as_of_date, standard_version, measure

),

cuts as (

    select
        'score' as purpose,
        *
    from quantile_cuts
    union all
    select
        'score' as purpose,
        *
    from threshold_cuts
    union all
    select
        'score' as purpose,
        means.*
    from means
    inner join standards on means.standard_version = standards.standard_version
    where standards.rfm_method = 'mean'
    union all
    select
        'score' as purpose,
        medians.*
    from medians
    inner join standards on medians.standard_version = standards.standard_version
    where standards.rfm_method = 'median'
    union all
    select
        'type' as purpose,
        means.*
    from means
    inner join standards on means.standard_version = standards.standard_version
    where standards.type_cut = 'mean'
    union all
    select
        'type' as purpose,
        medians.*
    from medians
    inner join standards on medians.standard_version = standards.standard_version
    where standards.type_cut = 'median'

),

final as (

    select
        cuts.as_of_date,
        cuts.standard_version,
        days.is_requested,
        days.is_classified,
        cuts.purpose,
        cuts.measure,
        cast(cuts.cut_number as integer) as cut_number,
        cast(cuts.cut_numerator as decimal(38, 2)) as cut_numerator,
        cast(cuts.cut_denominator as bigint) as cut_denominator,
        cast(
            round(
                case cuts.measure when 'recency' then -1 else 1 end
                * cast(cuts.cut_numerator as double) / cast(cuts.cut_denominator as double), 6
            ) as decimal(24, 6)
        ) as cut_value
    from cuts
    inner join days on cuts.as_of_date = days.as_of_date

)

select * from final
