{{ config(meta={'day_column': 'evaluated_on'}) }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

standards as (

    select * from {{ source('control', 'standards') }}

),

reference_days as (

    select * from {{ source('control', 'reference_days') }}

),

backtests as (

    select * from {{ ref('int_reference_predictions') }}
    where tenth is null

),

compared as (

    select
        as_of_days.as_of_date as evaluated_on,
        backtests.reference_on as snapshot_on,
        backtests.predictor,
        backtests.standard_version,
        backtests.fitted_on,
        backtests.predictor = standards.purchase_model as is_published,
        backtests.predictor in ('recency', 'last_90_days', 'rfm_cells') as is_rule,
        backtests.customers,
        backtests.actual_purchases,
        backtests.predicted_purchases,
        {{ fine_ratio('backtests.predicted_purchases - backtests.actual_purchases', 'backtests.actual_purchases') }}
            as purchases_error,
        backtests.actual_value,
        backtests.predicted_value,
        {{ fine_ratio('backtests.predicted_value - backtests.actual_value', 'backtests.actual_value') }} as value_error,
        backtests.rank_correlation,
        backtests.top_tenth_share,
        backtests.oracle_top_tenth_share
    from as_of_days
    inner join standards on as_of_days.standard_version = standards.standard_version
    inner join reference_days on as_of_days.as_of_date = reference_days.as_of_date
    inner join backtests on reference_days.reference_on = backtests.reference_on
    {# The horizon of return rates, by which reference days are chosen, may be shorter than 90 days. -#}
    where reference_days.reference_on <= {{ days_before('as_of_days.as_of_date', 90) }}

),

placed as (

    select
        *,
        case
            when purchases_error is not null
                then rank() over (partition by evaluated_on, snapshot_on order by abs(purchases_error) asc nulls last)
        end as purchases_place,
        case
            when value_error is not null
                then rank() over (partition by evaluated_on, snapshot_on order by abs(value_error) asc nulls last)
        end as value_place,
        case
            when rank_correlation is not null
                then rank() over (partition by evaluated_on, snapshot_on order by -rank_correlation asc nulls last)
        end as rank_place,
        case
            when top_tenth_share is not null
                then rank() over (partition by evaluated_on, snapshot_on order by -top_tenth_share asc nulls last)
        end as top_place
    from compared

),

counted as (

    select
        *,
        case when purchases_place = 1 then 1 else 0 end
        + case when value_place = 1 then 1 else 0 end
        + case when rank_place = 1 then 1 else 0 end
        + case when top_place = 1 then 1 else 0 end as wins
    from placed

),

totals as (

    select
        evaluated_on,
        predictor,
        row_number() over (partition by evaluated_on order by sum(wins) desc, is_rule asc, predictor asc) as place
    from counted
    group by evaluated_on, predictor, is_rule

),

final as (

    select
        counted.evaluated_on,
        counted.snapshot_on,
        counted.predictor,
        counted.standard_version,
        counted.fitted_on,
        counted.is_published,
        cast(counted.customers as bigint) as customers,
        cast(counted.actual_purchases as bigint) as actual_purchases,
        counted.predicted_purchases,
        cast(counted.purchases_error as decimal(18, 6)) as purchases_error,
        cast(counted.actual_value as decimal(18, 2)) as actual_value,
        counted.predicted_value,
        cast(counted.value_error as decimal(18, 6)) as value_error,
        counted.rank_correlation,
        counted.top_tenth_share,
        counted.oracle_top_tenth_share,
        cast(counted.wins as integer) as wins,
        totals.place = 1 as is_best
    from counted
    inner join totals on counted.evaluated_on = totals.evaluated_on and counted.predictor = totals.predictor

)

select * from final
order by evaluated_on, snapshot_on, predictor
