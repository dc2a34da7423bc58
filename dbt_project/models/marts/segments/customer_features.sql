with measured as (

    select * from {{ ref('int_customers_measured') }}
    where is_requested

),

attributes as (

    select * from {{ ref('int_customer_attributes') }}

),

contacts as (

    select * from {{ ref('int_customer_contacts_counted') }}

),

final as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        coalesce(attributes.kind, 'unknown') as kind,
        coalesce(attributes.industry, 'unknown') as industry,
        coalesce(attributes.company_size, 'unknown') as company_size,
        coalesce(attributes.region, 'unknown') as region,
        coalesce(attributes.city, 'unknown') as city,
        coalesce(attributes.decision_role, 'unknown') as decision_role,
        coalesce(attributes.member_level, 'unknown') as member_level,
        coalesce(attributes.owner, 'unknown') as owner,
        measured.first_seen_on,
        measured.first_order_on,
        measured.last_order_on,
        measured.recency_days,
        measured.tenure_days,
        measured.order_count,
        measured.order_days,
        measured.revenue,
        measured.margin,
        measured.average_order_value,
        measured.median_gap_days,
        measured.order_count_window,
        measured.order_days_window,
        measured.revenue_window,
        measured.margin_window,
        measured.order_count_90d,
        measured.revenue_90d,
        measured.order_count_prior_90d,
        measured.revenue_prior_90d,
        measured.discount_share,
        measured.refund_share,
        cast(contacts.service_contacts_365d as integer) as service_contacts_365d,
        cast(contacts.complaints_365d as integer) as complaints_365d,
        cast(contacts.interactions_90d as integer) as interactions_90d
    from measured
    left join attributes
        on measured.as_of_date = attributes.as_of_date and measured.customer_id = attributes.customer_id
    left join contacts
        on measured.as_of_date = contacts.as_of_date and measured.customer_id = contacts.customer_id

)

select * from final
order by as_of_date, customer_id
