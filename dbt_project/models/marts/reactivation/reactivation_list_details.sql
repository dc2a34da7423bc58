{{ config(tags=['list']) }}

{#-
    What whoever works a list needs beside its rows. Only customers of a day that issues a list are described, at most as
    many as the channels take and their control customers, so that a range of days pays nothing for it.
-#}

with issuing_days as (

    select
        as_of_days.as_of_date,
        standards.window_days
    from {{ source('control', 'as_of_days') }} as as_of_days
    inner join {{ source('control', 'standards') }} as standards
        on as_of_days.standard_version = standards.standard_version
    where as_of_days.issues_list

),

list_rows as (

    select * from {{ ref('reactivation_list') }}

),

silent as (

    select * from {{ ref('silent_customers') }}

),

features as (

    select * from {{ ref('customer_features') }}

),

segments as (

    select * from {{ ref('customer_segments') }}

),

last_purchases as (

    select * from {{ ref('customer_last_purchases') }}

),

next_products as (

    select * from {{ ref('next_products') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

records as (

    select * from {{ ref('int_customer_versions') }}

),

contacts as (

    select * from {{ ref('int_contacts_identified') }}
    where direction = 'inbound' and channel is not null

),

listed as (

    select distinct
        issuing_days.as_of_date,
        issuing_days.window_days,
        list_rows.customer_id
    from list_rows
    inner join issuing_days on list_rows.as_of_date = issuing_days.as_of_date

),

listed_days as (

    select
        listed.as_of_date,
        listed.window_days,
        customer_days.customer_id,
        customer_days.business_day,
        customer_days.order_count,
        customer_days.gross_amount - customer_days.discount_amount - customer_days.refund_amount as revenue,
        max(case when customer_days.order_count > 0 then customer_days.business_day end) over (
            partition by listed.as_of_date, customer_days.customer_id
        ) as last_order_on
    from customer_days
    inner join listed
        on customer_days.customer_id = listed.customer_id and customer_days.business_day <= listed.as_of_date

),

values_then as (

    select
        as_of_date,
        customer_id,
        sum(revenue) as revenue_before_silence
    from listed_days
    where business_day <= last_order_on and business_day > {{ days_before('last_order_on', 'window_days') }}
    group by as_of_date, customer_id

),

weekdays as (

    select
        as_of_date,
        customer_id,
        {{ iso_weekday('business_day') }} as weekday,
        sum(order_count) as order_count
    from listed_days
    where order_count > 0
    group by as_of_date, customer_id, {{ iso_weekday('business_day') }}

),

{#- A single order says nothing of a habit. -#}
best_weekdays as (

    select
        as_of_date,
        customer_id,
        {{ foremost('weekday', ['-order_count', 'weekday']) }} as best_weekday
    from weekdays
    where order_count > 1
    group by as_of_date, customer_id

),

stated_channels as (

    select
        listed.as_of_date,
        listed.customer_id,
        {{ newest_known('records.preferred_channel', 'records.precedence') }} as stated_channel
    from records
    inner join listed
        on
            records.customer_id = listed.customer_id
            and records.valid_from <= listed.as_of_date
            and records.valid_to > listed.as_of_date
    group by listed.as_of_date, listed.customer_id

),

inbound_contacts as (

    select
        listed.as_of_date,
        listed.customer_id,
        contacts.channel,
        count(*) as contact_count
    from contacts
    inner join listed
        on contacts.customer_id = listed.customer_id and contacts.occurred_on <= listed.as_of_date
    group by listed.as_of_date, listed.customer_id, contacts.channel

),

own_channels as (

    select
        as_of_date,
        customer_id,
        {{ foremost('channel', ['-contact_count', 'channel']) }} as own_channel
    from inbound_contacts
    group by as_of_date, customer_id

),

products_to_offer as (

    select
        listed.as_of_date,
        listed.customer_id,
        {{ listed('next_products.product_name', 'next_products.rank') }} as product_names
    from next_products
    inner join listed
        on next_products.as_of_date = listed.as_of_date and next_products.customer_id = listed.customer_id
    group by listed.as_of_date, listed.customer_id

),

final as (

    select
        listed.as_of_date,
        listed.customer_id,
        segments.need_type,
        features.median_gap_days,
        cast(values_then.revenue_before_silence as decimal(18, 2)) as revenue_before_silence,
        silent.return_rate,
        silent.expected_value,
        silent.expected_value_basis,
        case when features.top_category <> 'unknown' then features.top_category end as top_category,
        cast(best_weekdays.best_weekday as integer) as best_weekday,
        features.usual_hour,
        coalesce(stated_channels.stated_channel, own_channels.own_channel) as preferred_channel,
        segments.plan_dimension,
        segments.plan_class,
        last_purchases.products as last_purchases,
        products_to_offer.product_names as next_products
    from listed
    left join silent
        on listed.as_of_date = silent.as_of_date and listed.customer_id = silent.customer_id
    left join features
        on listed.as_of_date = features.as_of_date and listed.customer_id = features.customer_id
    left join segments
        on listed.as_of_date = segments.as_of_date and listed.customer_id = segments.customer_id
    left join last_purchases
        on listed.as_of_date = last_purchases.as_of_date and listed.customer_id = last_purchases.customer_id
    left join products_to_offer
        on listed.as_of_date = products_to_offer.as_of_date and listed.customer_id = products_to_offer.customer_id
    left join values_then
        on listed.as_of_date = values_then.as_of_date and listed.customer_id = values_then.customer_id
    left join best_weekdays
        on listed.as_of_date = best_weekdays.as_of_date and listed.customer_id = best_weekdays.customer_id
    left join stated_channels
        on listed.as_of_date = stated_channels.as_of_date and listed.customer_id = stated_channels.customer_id
    left join own_channels
        on listed.as_of_date = own_channels.as_of_date and listed.customer_id = own_channels.customer_id

)

select * from final
order by as_of_date, customer_id
