{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

own_dimensions as (

    select * from {{ source('control', 'own_dimensions') }}

),

own_rules as (

    select * from {{ source('control', 'own_rules') }}

),

tried as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        own_dimensions.dimension,
        own_dimensions.default_class,
        cast(
            {{ own_rule('features.standard_version', 'own_dimensions.dimension', 'features') }} as integer
        ) as rule_number
    from features
    inner join own_dimensions on features.standard_version = own_dimensions.standard_version

),

final as (

    select
        tried.as_of_date,
        tried.customer_id,
        tried.standard_version,
        tried.is_requested,
        tried.dimension,
        coalesce(own_rules.class, tried.default_class) as class,
        tried.rule_number
    from tried
    left join own_rules
        on
            tried.standard_version = own_rules.standard_version
            and tried.dimension = own_rules.dimension
            and tried.rule_number = own_rules.rule_number

)

select * from final
