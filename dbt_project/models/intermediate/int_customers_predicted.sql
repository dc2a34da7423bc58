{{ config(meta={'by_days': true}) }}

{#- Next orders later than so many days are no forecast any more. -#}
{%- set farthest_days = 3650 -%}

with plans as (

    select * from {{ ref('int_fits_planned') }}

),

measured as (

    select * from {{ ref('int_customers_measured') }}

),

fits as (

    select * from {{ ref('int_purchase_models_fitted') }}

),

scores as (

    select * from {{ ref('int_histories_scored') }}

),

cells as (

    select * from {{ ref('int_cells_predicted') }}

),

joined as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        plans.fitted_on,
        plans.purchase_model,
        measured.order_days,
        measured.paid_order_days,
        measured.revenue,
        measured.order_days_90d,
        measured.revenue_90d,
        cells.purchases_90d as cell_purchases_90d,
        cells.value_90d as cell_value_90d,
        scores.probability_alive,
        scores.probability_order_90d,
        scores.purchases_90d,
        scores.valued_purchases_90d,
        scores.valued_purchases_365d,
        scores.days_to_next,
        purchase_fits.parameters_version,
        purchase_fits.refused_reason as purchases_refused,
        spend_fits.refused_reason as spend_refused,
        spend_fits.p,
        spend_fits.q,
        spend_fits.gamma
    from measured
    inner join plans on measured.as_of_date = plans.as_of_date
    left join fits as purchase_fits
        on
            plans.fitted_on = purchase_fits.fitted_on
            and plans.standard_version = purchase_fits.standard_version
            and purchase_fits.part = 'purchases'
    left join fits as spend_fits
        on
            plans.fitted_on = spend_fits.fitted_on
            and plans.standard_version = spend_fits.standard_version
            and spend_fits.part = 'spend'
    left join scores
        on
            measured.as_of_date = scores.as_of_date
            and measured.order_days - 1 = scores.repeats
            and measured.tenure_days - measured.recency_days = scores.recency_days
            and measured.tenure_days = scores.age_days
    left join cells
        on measured.as_of_date = cells.as_of_date and measured.customer_id = cells.customer_id

),

{#-
    What is expected of the next order day: equation 5 of Fader and Hardie (2013). It has no value where q is at most 1 and
    the customer has no paid order day.
-#}
amounts as (

    select
        *,
        case
            when order_days > 0 and p * paid_order_days + q > 1
                then
                    p * (gamma + greatest(cast(revenue as double), 0))
                    / (p * paid_order_days + q - 1)
        end as expected_amount
    from joined

),

predictions as (

    select
        *,
        purchases_90d as model_purchases_90d,
        valued_purchases_90d * expected_amount as model_value_90d,
        valued_purchases_365d * expected_amount as model_value_365d,
        case
            when order_days = 0 then 'no_order'
            when purchase_model = 'none' then 'switched_off'
            when purchases_refused is not null then purchases_refused
            when spend_refused is not null then spend_refused
            when expected_amount is null then 'no_mean_amount'
        end as missing_reason
    from amounts

),

{#- A simple rule foretells where a model would, so that small companies are refused too; a year is as its 90 days. -#}
chosen as (

    select
        *,
        case
            when missing_reason in ('no_order', 'switched_off', 'too_few_buyers') then null
            when purchase_model = 'last_90_days' then cast(order_days_90d as double)
            when purchase_model = 'rfm_cells' then cell_purchases_90d
            else model_purchases_90d
        end as chosen_purchases_90d,
        case
            when missing_reason in ('no_order', 'switched_off', 'too_few_buyers') then null
            when purchase_model = 'last_90_days' then greatest(cast(revenue_90d as double), 0)
            when purchase_model = 'rfm_cells' then greatest(cell_value_90d, 0)
            else model_value_90d
        end as chosen_value_90d
    from predictions

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        cast(probability_alive as decimal(9, 6)) as probability_alive,
        cast(probability_order_90d as decimal(9, 6)) as probability_order_90d,
        cast(chosen_purchases_90d as decimal(18, 6)) as expected_purchases_90d,
        cast(expected_amount as decimal(18, 6)) as expected_order_value,
        cast(chosen_value_90d as decimal(18, 6)) as expected_value_90d,
        cast(
            case
                when purchase_model in ('last_90_days', 'rfm_cells') then chosen_value_90d * 365 / 90
                else model_value_365d
            end as decimal(18, 6)
        ) as expected_value_365d,
        case
            when days_to_next <= {{ farthest_days }}
                then {{ days_before('as_of_date', '-ceil(days_to_next)') }}
        end as expected_next_order_on,
        model_purchases_90d,
        model_value_90d,
        case when chosen_purchases_90d is not null then purchase_model end as model,
        case when chosen_purchases_90d is not null then fitted_on end as fitted_on,
        case when chosen_purchases_90d is not null then parameters_version end as parameters_version,
        case when chosen_value_90d is null then missing_reason end as missing_reason
    from chosen

)

select * from final
