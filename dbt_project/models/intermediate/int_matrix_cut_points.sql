{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

scores as (

    select * from {{ ref('int_customer_scores') }}

),

as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

axes as (

    select * from {{ source('control', 'matrix_axes') }}

),

{#- A measure that stands on several axes is read once. -#}
measures as (

    select
        standard_version,
        measure,
        {{ axis_measure_number('measure') }} as measure_number
    from (
        select distinct
            standard_version,
            measure
        from axes
        where cut_method <> 'number'
    ) as computed_measures

),

scored as (

    select
        features.as_of_date,
        features.standard_version,
        {{ axis_measures_of('features', 'scores') }}
    from features
    inner join scores on features.as_of_date = scores.as_of_date and features.customer_id = scores.customer_id
    where features.order_count_window > 0

),

measured as (

    select
        scored.as_of_date,
        measures.measure,
        {{ axis_value('measures.measure_number') }} as value
    from scored
    inner join measures on scored.standard_version = measures.standard_version

),

distinct_values as (

    select
        as_of_date,
        measure,
        value,
        count(*) as customers,
        sum(value) as value_sum
    from measured
    where value is not null
    group by as_of_date, measure, value

),

distribution as (

    select
        as_of_date,
        measure,
        value,
        customers,
        value_sum,
        sum(customers) over (partition by as_of_date, measure order by value) as customers_at_or_below,
        sum(customers) over (partition by as_of_date, measure) as customers_in_all
    from distinct_values

),

dated_axes as (

    select
        as_of_days.as_of_date,
        as_of_days.is_requested,
        axes.standard_version,
        axes.matrix,
        axes.axis,
        axes.measure,
        axes.cut_method,
        axes.cut_value,
        axes.cut_number,
        axes.cut_bins
    from as_of_days
    inner join axes on as_of_days.standard_version = axes.standard_version

),

{#- Fractions: a value is high when value × denominator >= numerator, exactly. -#}
computed_cuts as (

    select
        dated_axes.as_of_date,
        dated_axes.matrix,
        dated_axes.axis,
        case dated_axes.cut_method
            when 'mean' then sum(distribution.value_sum)
            when 'median'
                then
                    min(distribution.value) filter (
                        where 2 * distribution.customers_at_or_below >= distribution.customers_in_all
                    )
                    + min(distribution.value) filter (
                        where 2 * distribution.customers_at_or_below > distribution.customers_in_all
                    )
            else min(distribution.value) filter (
                where
                distribution.customers_at_or_below * dated_axes.cut_bins
                >= dated_axes.cut_number * distribution.customers_in_all
            )
        end as cut_numerator,
        case dated_axes.cut_method
            when 'mean' then sum(distribution.customers)
            when 'median' then 2
            else 1
        end as cut_denominator
    from dated_axes
    inner join distribution
        on dated_axes.as_of_date = distribution.as_of_date and dated_axes.measure = distribution.measure
    where dated_axes.cut_method <> 'number'
    group by dated_axes.as_of_date, dated_axes.matrix, dated_axes.axis, dated_axes.cut_method

),

final as (

    select
        dated_axes.as_of_date,
        dated_axes.standard_version,
        dated_axes.is_requested,
        dated_axes.matrix,
        dated_axes.axis,
        dated_axes.measure,
        dated_axes.cut_method,
        cast(coalesce(computed_cuts.cut_numerator, dated_axes.cut_value) as decimal(38, 6)) as cut_numerator,
        cast(coalesce(computed_cuts.cut_denominator, 1) as bigint) as cut_denominator,
        {{ fine_ratio(
            'coalesce(computed_cuts.cut_numerator, dated_axes.cut_value)', 'coalesce(computed_cuts.cut_denominator, 1)'
        ) }} as cut_value
    from dated_axes
    left join computed_cuts
        on
            dated_axes.as_of_date = computed_cuts.as_of_date
            and dated_axes.matrix = computed_cuts.matrix
            and dated_axes.axis = computed_cuts.axis
    where dated_axes.cut_method = 'number' or computed_cuts.cut_numerator is not null

)

select * from final
