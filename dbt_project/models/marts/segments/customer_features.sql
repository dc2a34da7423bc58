{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        kind,
        industry,
        company_size,
        region,
        city,
        decision_role,
        member_level,
        owner,
        competitor_closeness,
        first_seen_on,
        first_order_on,
        last_order_on,
        recency_days,
        tenure_days,
        order_count,
        order_days,
        revenue,
        margin,
        average_order_value,
        median_gap_days,
        longest_gap_closed_days,
        order_count_window,
        order_days_window,
        revenue_window,
        margin_window,
        order_count_90d,
        revenue_90d,
        order_count_prior_90d,
        revenue_prior_90d,
        discount_share,
        refund_share,
        premium_share,
        novelty_share,
        top_category,
        top_channel,
        usual_hour,
        is_trial_converted,
        service_contacts_365d,
        complaints_365d,
        interactions_90d,
        recent_complaints,
        has_open_complaint,
        median_reply_hours,
        open_opportunities,
        open_opportunity_value,
        days_to_close,
        stated_urgency,
        has_explicit_opportunity,
        has_open_lead,
        stated_need_clarity,
        recent_views,
        recent_carts,
        recent_browses,
        need_motive,
        satisfaction,
        satisfaction_on
    from features

)

select * from final
order by as_of_date, customer_id
