{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

lifecycles as (

    select * from {{ ref('int_lifecycles_staged') }}

),

predictions as (

    select * from {{ ref('int_customers_predicted') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

industry_outlooks as (

    select * from {{ source('control', 'industry_outlooks') }}

),

company_sizes as (

    select * from {{ source('control', 'company_sizes') }}

),

inputs as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        features.order_count_window,
        features.revenue_window,
        features.revenue_90d,
        features.revenue_prior_90d,
        features.competitor_closeness,
        features.open_opportunity_value,
        features.days_to_close,
        features.stated_urgency,
        features.has_open_complaint,
        lifecycles.days_silent,
        lifecycles.silence_limit_days,
        predictions.expected_value_365d,
        industry_outlooks.outlook,
        company_sizes.position as company_size_position
    from features
    inner join lifecycles
        on features.as_of_date = lifecycles.as_of_date and features.customer_id = lifecycles.customer_id
    left join predictions
        on features.as_of_date = predictions.as_of_date and features.customer_id = predictions.customer_id
    left join industry_outlooks
        on
            features.standard_version = industry_outlooks.standard_version
            and features.industry = industry_outlooks.industry
    left join company_sizes
        on
            features.standard_version = company_sizes.standard_version
            and features.company_size = company_sizes.company_size

),

revenue_shares as (

    {{ shares_below('inputs', 'revenue_window', is_counted='order_count_window > 0') }}

),

expected_value_shares as (

    {{ shares_below('inputs', 'expected_value_365d') }}

),

company_size_shares as (

    {{ shares_below('inputs', 'company_size_position') }}

),

opportunity_shares as (

    {{ shares_below('inputs', 'open_opportunity_value') }}

),

{#- A weight of 0 takes its factor out: it is not known of anybody. -#}
factors as (

    select
        inputs.as_of_date,
        inputs.customer_id,
        inputs.standard_version,
        inputs.is_requested,
        100 * revenue_shares.share_below as value_score,
        standards.expected_value_weight,
        standards.growth_weight,
        standards.industry_outlook_weight,
        standards.company_size_weight,
        standards.opportunity_weight,
        standards.independence_weight,
        case when standards.expected_value_weight > 0 then expected_value_shares.share_below end as expected_value,
        case
            when standards.growth_weight = 0 or inputs.revenue_90d + inputs.revenue_prior_90d <= 0 then null
            when inputs.revenue_90d <= 0 then 0
            when inputs.revenue_prior_90d <= 0 then 1
            else {{ ratio('inputs.revenue_90d', 'inputs.revenue_90d + inputs.revenue_prior_90d') }}
        end as growth,
        case when standards.industry_outlook_weight > 0 then inputs.outlook end as industry_outlook,
        case when standards.company_size_weight > 0 then company_size_shares.share_below end as company_size,
        case when standards.opportunity_weight > 0 then opportunity_shares.share_below end as opportunity,
        case when standards.independence_weight > 0 then 1 - inputs.competitor_closeness end as independence,
        case
            when inputs.days_to_close <= 0 then 1
            when inputs.days_to_close >= standards.close_days then 0
            else {{ ratio('standards.close_days - inputs.days_to_close', 'standards.close_days') }}
        end as close_urgency,
        case inputs.stated_urgency
            when 'high' then standards.high_urgency
            when 'medium' then standards.medium_urgency
            when 'low' then standards.low_urgency
        end as stated_urgency,
        case when inputs.has_open_complaint then 1 end as complaint_urgency,
        case
            when inputs.days_silent >= inputs.silence_limit_days then 1
            else {{ fine_ratio('inputs.days_silent', 'inputs.silence_limit_days') }}
        end as silence_urgency
    from inputs
    inner join standards on inputs.standard_version = standards.standard_version
    left join revenue_shares
        on inputs.as_of_date = revenue_shares.as_of_date and inputs.revenue_window = revenue_shares.revenue_window
    left join expected_value_shares
        on
            inputs.as_of_date = expected_value_shares.as_of_date
            and inputs.expected_value_365d = expected_value_shares.expected_value_365d
    left join company_size_shares
        on
            inputs.as_of_date = company_size_shares.as_of_date
            and inputs.company_size_position = company_size_shares.company_size_position
    left join opportunity_shares
        on
            inputs.as_of_date = opportunity_shares.as_of_date
            and inputs.open_opportunity_value = opportunity_shares.open_opportunity_value

),

{%- set potential_factors = [
    'expected_value', 'growth', 'industry_outlook', 'company_size', 'opportunity', 'independence',
] %}

{#- greatest() passes over what is NULL, and is NULL when everything is. -#}
final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        cast(value_score as decimal(18, 6)) as value_score,
        cast(
            {%- set pairs = [] -%}
            {%- for factor in potential_factors -%}
                {%- do pairs.append((factor, factor ~ '_weight')) -%}
            {%- endfor %}
            {{ weighted_score(pairs) }} as decimal(18, 6)
        ) as potential_score,
        cast(
            {%- for factor in potential_factors %}
                case when {{ factor }} is not null then 1 else 0 end {{- ' +' if not loop.last }}
            {%- endfor %} as integer
        ) as potential_factors_known,
        cast(
            100 * greatest(close_urgency, stated_urgency, complaint_urgency, silence_urgency) as decimal(18, 6)
        ) as urgency_score
    from factors

)

select * from final
