with aliases as (

    select * from {{ source('identity', 'customer_aliases') }}

),

first_seen as (

    select * from {{ ref('int_customers_first_seen') }}

),

versions as (

    select * from {{ ref('int_customer_versions') }}
    where valid_to = date '9999-12-31'

),

reference_counts as (

    select
        customer_id,
        count(*) as reference_count
    from aliases
    group by customer_id

),

attributes as (

    select
        customer_id,
        {{ newest_known('kind', 'precedence') }} as kind,
        {{ newest_known('industry', 'precedence') }} as industry,
        {{ newest_known('company_size', 'precedence') }} as company_size,
        {{ newest_known('region', 'precedence') }} as region,
        {{ newest_known('city', 'precedence') }} as city,
        {{ newest_known('decision_role', 'precedence') }} as decision_role,
        {{ newest_known('member_level', 'precedence') }} as member_level,
        {{ newest_known('owner', 'precedence') }} as owner,
        bool_or(do_not_contact) as is_do_not_contact
    from versions
    group by customer_id

),

final as (

    select
        reference_counts.customer_id,
        coalesce(attributes.kind, 'unknown') as kind,
        coalesce(attributes.industry, 'unknown') as industry,
        coalesce(attributes.company_size, 'unknown') as company_size,
        coalesce(attributes.region, 'unknown') as region,
        coalesce(attributes.city, 'unknown') as city,
        coalesce(attributes.decision_role, 'unknown') as decision_role,
        coalesce(attributes.member_level, 'unknown') as member_level,
        coalesce(attributes.owner, 'unknown') as owner,
        first_seen.first_seen_on,
        coalesce(attributes.is_do_not_contact, false) as is_do_not_contact,
        cast(reference_counts.reference_count as integer) as reference_count
    from reference_counts
    left join first_seen on reference_counts.customer_id = first_seen.customer_id
    left join attributes on reference_counts.customer_id = attributes.customer_id

)

select * from final
order by customer_id
