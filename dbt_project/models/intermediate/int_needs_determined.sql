{{ config(meta={'by_days': true}) }}

with features as {{ inlined() }} (

    select * from {{ ref('int_customer_features') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

configured_entities as (

    select * from {{ source('control', 'configured_entities') }}

),

telling_entities as (

    select count(*) as entities
    from configured_entities
    where entity in ('leads', 'opportunities', 'web_events')

),

scored as (

    select
        as_of_date,
        discount_share,
        premium_share,
        service_contacts_365d,
        novelty_share
    from features
    where order_count_window > 0

),

discount_shares as (

    {{ shares_below('scored', 'discount_share') }}

),

premium_shares as (

    {{ shares_below('scored', 'premium_share') }}

),

service_shares as (

    {{ shares_below('scored', 'service_contacts_365d') }}

),

novelty_shares as (

    {{ shares_below('scored', 'novelty_share') }}

),

{#- Only values above 0 stand for a need, so only they need their standing. -#}
standings as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        features.order_count,
        features.order_count_window,
        features.stated_need_clarity,
        features.has_explicit_opportunity,
        features.recent_carts,
        features.has_open_lead,
        features.open_opportunities,
        features.recent_views,
        features.need_motive,
        features.satisfaction,
        features.satisfaction_on,
        standards.need_type_cut,
        discount_shares.share_below as price_percentile,
        premium_shares.share_below as quality_percentile,
        service_shares.share_below as service_percentile,
        novelty_shares.share_below as innovation_percentile,
        features.discount_share is null
        and features.premium_share is null
        and features.service_contacts_365d is null
        and features.novelty_share is null as is_every_input_unknown
    from features
    inner join standards on features.standard_version = standards.standard_version
    left join discount_shares
        on
            features.as_of_date = discount_shares.as_of_date
            and features.discount_share = discount_shares.discount_share
            and features.discount_share > 0
            and features.order_count_window > 0
    left join premium_shares
        on
            features.as_of_date = premium_shares.as_of_date
            and features.premium_share = premium_shares.premium_share
            and features.premium_share > 0
            and features.order_count_window > 0
    left join service_shares
        on
            features.as_of_date = service_shares.as_of_date
            and features.service_contacts_365d = service_shares.service_contacts_365d
            and features.service_contacts_365d > 0
            and features.order_count_window > 0
    left join novelty_shares
        on
            features.as_of_date = novelty_shares.as_of_date
            and features.novelty_share = novelty_shares.novelty_share
            and features.novelty_share > 0
            and features.order_count_window > 0

),

{#- greatest() passes over what is NULL, and is NULL when everything is. -#}
highest as (

    select
        standings.*,
        telling_entities.entities as telling_entities,
        greatest(price_percentile, quality_percentile, service_percentile, innovation_percentile) as type_percentile
    from standings
    cross join telling_entities

),

clarities as (

    select
        *,
        case
            when telling_entities = 0 then 'no_crm_or_web_entity'
            when stated_need_clarity in ('explicit', 'vague', 'none') then 'stated_on_lead'
            when has_explicit_opportunity then 'explicit_opportunity'
            when recent_carts > 0 then 'cart'
            when has_open_lead then 'open_lead'
            when open_opportunities > 0 then 'open_opportunity'
            when recent_views > 0 then 'views'
            else 'no_sign'
        end as clarity_reason,
        case
            when order_count = 0 then 'no_counted_order'
            when order_count_window = 0 then 'no_order_in_window'
            when is_every_input_unknown then 'inputs_unknown'
            when type_percentile >= need_type_cut then 'highest_percentile'
            else 'no_percentile_reaches_cut'
        end as type_reason
    from highest

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        is_requested,
        case
            when clarity_reason = 'no_crm_or_web_entity' then 'unknown'
            when clarity_reason = 'stated_on_lead' then stated_need_clarity
            when clarity_reason in ('explicit_opportunity', 'cart') then 'explicit'
            when clarity_reason = 'no_sign' then 'none'
            else 'vague'
        end as need_clarity,
        clarity_reason,
        case
            when type_reason = 'no_percentile_reaches_cut' then 'balanced'
            when type_reason <> 'highest_percentile' then 'unknown'
            when price_percentile = type_percentile then 'price'
            when quality_percentile = type_percentile then 'quality'
            when service_percentile = type_percentile then 'service'
            when innovation_percentile = type_percentile then 'innovation'
        end as need_type,
        type_reason,
        type_percentile,
        coalesce(need_motive, 'unknown') as need_motive,
        satisfaction,
        satisfaction_on
    from clarities

)

select * from final
