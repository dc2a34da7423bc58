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
        versions.customer_id,
        {{ newest_known_attributes('versions') }},
        bool_or(versions.do_not_contact) as is_do_not_contact
    from versions
    group by versions.customer_id

),

final as (

    select
        reference_counts.customer_id,
        {{ attributes_or_unknown('attributes') }},
        first_seen.first_seen_on,
        coalesce(attributes.is_do_not_contact, false) as is_do_not_contact,
        cast(reference_counts.reference_count as integer) as reference_count
    from reference_counts
    left join first_seen on reference_counts.customer_id = first_seen.customer_id
    left join attributes on reference_counts.customer_id = attributes.customer_id

)

select * from final
order by customer_id
