{{ config(meta={'by_days': true, 'by_customers': true}) }}

with measured as (

    select * from {{ ref('int_customers_measured') }}
    where is_classified

),

trial_categories as (

    select * from {{ source('control', 'trial_categories') }}

),

records as (

    select * from {{ ref('int_customer_records_merged') }}

),

order_lines as (

    select * from {{ ref('int_order_lines_measured') }}

),

categories as (

    select * from {{ ref('int_categories_ranked') }}

),

channels as (

    select * from {{ ref('int_channels_ranked') }}

),

hours as (

    select * from {{ ref('int_order_hours_ranked') }}

),

trials as (

    select * from {{ ref('int_trials_converted') }}

),

contacts as (

    select * from {{ ref('int_customer_contacts_counted') }}

),

opportunities as (

    select * from {{ ref('int_opportunities_stated') }}

),

leads as (

    select * from {{ ref('int_leads_stated') }}

),

web_events as (

    select * from {{ ref('int_web_events_counted') }}

),

surveys as (

    select * from {{ ref('int_surveys_dated') }}

),

{#- What nobody has landed is unknown of everybody; of what has landed, a customer without any has 0. -#}
landed as (

    select
        (select count(*) from {{ ref('stg_order_lines') }}) > 0 as has_order_lines,
        (select count(*) from {{ ref('int_contacts_identified') }}) > 0 as has_contacts,
        (select count(*) from {{ ref('stg_opportunities') }}) > 0 as has_opportunities,
        (select count(*) from {{ ref('stg_leads') }}) > 0 as has_leads,
        (select count(*) from {{ ref('int_web_events_identified') }}) > 0 as has_web_events

),

followed_standards as (

    select distinct standard_version
    from trial_categories

),

final as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        {{ attributes_or_unknown('records') }},
        records.competitor_closeness,
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
        measured.longest_gap_closed_days,
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
        order_lines.premium_share,
        order_lines.novelty_share,
        coalesce(categories.top_category, 'unknown') as top_category,
        coalesce(channels.top_channel, 'unknown') as top_channel,
        hours.usual_hour,
        case
            when landed.has_order_lines and followed_standards.standard_version is not null
                then trials.customer_id is not null
        end as is_trial_converted,
        case when landed.has_contacts then coalesce(contacts.service_contacts_365d, 0) end as service_contacts_365d,
        case when landed.has_contacts then coalesce(contacts.complaints_365d, 0) end as complaints_365d,
        case when landed.has_contacts then coalesce(contacts.interactions_90d, 0) end as interactions_90d,
        case when landed.has_contacts then coalesce(contacts.recent_complaints, 0) end as recent_complaints,
        case when landed.has_contacts then coalesce(contacts.has_open_complaint, false) end as has_open_complaint,
        contacts.median_reply_hours,
        case when landed.has_opportunities then coalesce(opportunities.open_opportunities, 0) end
            as open_opportunities,
        opportunities.open_opportunity_value,
        opportunities.days_to_close,
        coalesce(opportunities.stated_urgency, 'unknown') as stated_urgency,
        case when landed.has_opportunities then coalesce(opportunities.has_explicit_opportunity, false) end
            as has_explicit_opportunity,
        case when landed.has_leads then coalesce(leads.has_open_lead, false) end as has_open_lead,
        coalesce(leads.stated_need_clarity, 'unknown') as stated_need_clarity,
        case when landed.has_web_events then coalesce(web_events.recent_views, 0) end as recent_views,
        case when landed.has_web_events then coalesce(web_events.recent_carts, 0) end as recent_carts,
        case when landed.has_web_events then coalesce(web_events.recent_browses, 0) end as recent_browses,
        coalesce(surveys.need_motive, 'unknown') as need_motive,
        surveys.satisfaction,
        surveys.valid_from as satisfaction_on
    from measured
    cross join landed
    left join followed_standards on measured.standard_version = followed_standards.standard_version
    left join records
        on
            measured.customer_id = records.customer_id
            and measured.as_of_date >= records.valid_from
            and measured.as_of_date < records.valid_to
    left join order_lines
        on measured.as_of_date = order_lines.as_of_date and measured.customer_id = order_lines.customer_id
    left join categories
        on measured.as_of_date = categories.as_of_date and measured.customer_id = categories.customer_id
    left join channels
        on measured.as_of_date = channels.as_of_date and measured.customer_id = channels.customer_id
    left join hours
        on measured.as_of_date = hours.as_of_date and measured.customer_id = hours.customer_id
    left join trials
        on measured.as_of_date = trials.as_of_date and measured.customer_id = trials.customer_id
    left join contacts
        on measured.as_of_date = contacts.as_of_date and measured.customer_id = contacts.customer_id
    left join opportunities
        on measured.as_of_date = opportunities.as_of_date and measured.customer_id = opportunities.customer_id
    left join leads
        on measured.as_of_date = leads.as_of_date and measured.customer_id = leads.customer_id
    left join web_events
        on measured.as_of_date = web_events.as_of_date and measured.customer_id = web_events.customer_id
    left join surveys
        on
            measured.customer_id = surveys.customer_id
            and measured.as_of_date >= surveys.valid_from
            and measured.as_of_date < surveys.valid_to

)

select * from final
