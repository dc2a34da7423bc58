{{ config(materialized='view') }}

{%- set relations = [
    'lifecycle_reasons', 'silence_reasons', 'value_reasons', 'segment_reasons', 'ungraded_reasons', 'type_reasons',
    'unscored_reasons', 'matrix_reasons', 'clarity_reasons', 'type_of_need_reasons', 'need_measure_reasons',
    'motive_reasons', 'cluster_reasons', 'own_reasons',
] -%}

{#- A select a dimension over codes, measures and cuts of other tables: a filter on day and customer reaches each. -#}
with features as {{ inlined() }} (

    select * from {{ ref('customer_features') }}

),

lifecycle as {{ inlined() }} (

    select * from {{ ref('customer_lifecycle') }}

),

customer_values as (

    select * from {{ ref('customer_value') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

rfm_cut_points as (

    select * from {{ ref('rfm_cut_points') }}

),

matrices as (

    select * from {{ ref('customer_matrices') }}

),

matrix_cuts as (

    select * from {{ ref('matrix_cut_points') }}

),

needs as {{ inlined() }} (

    select * from {{ ref('customer_needs') }}

),

own as (

    select * from {{ ref('customer_own_dimensions') }}

),

segments as (

    select * from {{ ref('customer_segments') }}

),

standards as (

    select * from {{ source('control', 'standards') }}

),

{#- In the order in which scores pass them: the greatest recency first, the smallest frequency and money first. -#}
rfm_cuts as (

    select
        as_of_date,
        purpose,
        measure,
        cut_value,
        row_number() over (
            partition by as_of_date, purpose, measure
            order by case measure when 'recency' then -cut_value else cut_value end, cut_number
        ) as position
    from rfm_cut_points

),

lifecycle_reasons as (

    select
        lifecycle.as_of_date,
        lifecycle.customer_id,
        lifecycle.standard_version,
        'lifecycle_stage' as dimension,
        lifecycle.lifecycle_stage as class,
        lifecycle.lifecycle_reason as rule,
        case lifecycle.lifecycle_stage
            when 'prospect' then 'order_count'
            when 'new' then 'tenure_days'
            when 'reactivated' then 'longest_gap_closed_days'
            else 'recency_days'
        end as measure,
        case lifecycle.lifecycle_stage
            when 'prospect' then features.order_count
            when 'new' then features.tenure_days
            when 'reactivated' then lifecycle.longest_gap_closed_days
            else features.recency_days
        end as value,
        case lifecycle.lifecycle_stage
            when 'prospect' then '='
            when 'new' then '<'
            when 'active' then '<='
            when 'silent' then '<='
            else '>'
        end as comparison,
        case lifecycle.lifecycle_stage
            when 'prospect' then 0
            when 'new' then standards.new_days
            when 'silent' then lifecycle.churn_limit_days
            when 'churned' then lifecycle.churn_limit_days
            else lifecycle.silence_limit_days
        end as cut
    from lifecycle
    inner join features
        on lifecycle.as_of_date = features.as_of_date and lifecycle.customer_id = features.customer_id
    inner join standards on lifecycle.standard_version = standards.standard_version

),

{#- Silent is between two limits: recency is compared with the greater one, days_silent with the smaller. -#}
silence_reasons as (

    select
        as_of_date,
        customer_id,
        standard_version,
        'lifecycle_stage' as dimension,
        lifecycle_stage as class,
        lifecycle_reason as rule,
        'days_silent' as measure,
        days_silent as value,
        '>' as comparison,
        0 as cut
    from lifecycle
    where lifecycle_stage = 'silent'

),

value_reasons as (

    select
        customer_values.as_of_date,
        customer_values.customer_id,
        customer_values.standard_version,
        'value_tier' as dimension,
        customer_values.value_tier as class,
        customer_values.value_reason as rule,
        case
            when customer_values.value_reason = 'no_counted_order' then 'order_count'
            when customer_values.value_reason = 'no_order_in_window' then 'order_count_window'
            when customer_values.value_reason in ('share_of_value_above', 'share_of_customers_above') then 'share_above'
            else customer_values.value_measure || '_window'
        end as measure,
        case
            when customer_values.value_reason in ('no_counted_order', 'no_order_in_window') then 0
            when customer_values.value_reason in ('share_of_value_above', 'share_of_customers_above')
                then customer_values.share_above
            else customer_values.value
        end as value,
        case
            when customer_values.value_reason in ('no_counted_order', 'no_order_in_window') then '='
            when customer_values.value_reason = 'no_positive_value' then '<='
            when customer_values.value_reason = 'cost_unknown' then null
            when customer_values.value_reason = 'value_threshold'
                then case when customer_values.value_tier = 'low' then '<' else '>=' end
            when customer_values.value_tier = 'low' then '>='
            else '<'
        end as comparison,
        case
            when
                customer_values.value_reason in ('no_counted_order', 'no_order_in_window', 'no_positive_value')
                then 0
            when customer_values.value_reason = 'cost_unknown' then null
            when customer_values.value_tier = 'high' then standards.value_high_cut
            else standards.value_mid_cut
        end as cut
    from customer_values
    inner join standards on customer_values.standard_version = standards.standard_version

),

{#- What R, F and M are measured by. -#}
rfm_measured as {{ inlined() }} (

    select
        rfm.as_of_date,
        rfm.customer_id,
        rfm.standard_version,
        rfm.rfm_segment,
        rfm.rfm_type,
        rfm.rfm_reason,
        rfm.r_score,
        rfm.f_score,
        rfm.r_score is not null as is_scored,
        features.order_count,
        features.order_count_window,
        features.recency_days,
        features.revenue_window,
        standards.rfm_method,
        standards.type_cut,
        standards.has_grid
    from rfm
    inner join features on rfm.as_of_date = features.as_of_date and rfm.customer_id = features.customer_id
    inner join standards on rfm.standard_version = standards.standard_version

),

{#- The last cut that the score has passed; for the lowest score the first one, which it has not. -#}
segment_reasons as (

    select
        rfm_measured.as_of_date,
        rfm_measured.customer_id,
        rfm_measured.standard_version,
        'rfm_segment' as dimension,
        rfm_measured.rfm_segment as class,
        rfm_measured.rfm_reason as rule,
        case rfm_cuts.measure when 'recency' then 'recency_days' else 'order_count_window' end as measure,
        case rfm_cuts.measure
            when 'recency' then rfm_measured.recency_days
            else rfm_measured.order_count_window
        end as value,
        case
            when rfm_cuts.measure = 'recency' and rfm_measured.r_score > 1
                then case when rfm_measured.rfm_method = 'quantile' then '<' else '<=' end
            when rfm_cuts.measure = 'recency'
                then case when rfm_measured.rfm_method = 'quantile' then '>=' else '>' end
            when rfm_measured.f_score > 1
                then case when rfm_measured.rfm_method = 'quantile' then '>' else '>=' end
            when rfm_measured.rfm_method = 'quantile' then '<='
            else '<'
        end as comparison,
        rfm_cuts.cut_value as cut
    from rfm_measured
    inner join rfm_cuts
        on
            rfm_measured.as_of_date = rfm_cuts.as_of_date
            and rfm_cuts.purpose = 'score'
            and (
                (rfm_cuts.measure = 'recency' and rfm_cuts.position = greatest(rfm_measured.r_score - 1, 1))
                or (rfm_cuts.measure = 'frequency' and rfm_cuts.position = greatest(rfm_measured.f_score - 1, 1))
            )
    where rfm_measured.is_scored and rfm_measured.has_grid

),

ungraded_reasons as (

    select
        as_of_date,
        customer_id,
        standard_version,
        'rfm_segment' as dimension,
        rfm_segment as class,
        'no_grid' as rule,
        cast(null as varchar) as measure,
        cast(null as decimal(24, 6)) as value,
        cast(null as varchar) as comparison,
        cast(null as decimal(24, 6)) as cut
    from rfm_measured
    where is_scored and not has_grid

),

type_reasons as (

    select
        rfm_measured.as_of_date,
        rfm_measured.customer_id,
        rfm_measured.standard_version,
        'rfm_type' as dimension,
        rfm_measured.rfm_type as class,
        'typed_by_' || rfm_measured.type_cut as rule,
        case rfm_cuts.measure
            when 'recency' then 'recency_days'
            when 'frequency' then 'order_count_window'
            else 'revenue_window'
        end as measure,
        case rfm_cuts.measure
            when 'recency' then rfm_measured.recency_days
            when 'frequency' then rfm_measured.order_count_window
            else rfm_measured.revenue_window
        end as value,
        case
            when rfm_cuts.measure = 'recency'
                then
                    case
                        when
                            rfm_measured.rfm_type in (
                                'important_value', 'important_develop', 'general_value', 'general_develop'
                            )
                            then '<='
                        else '>'
                    end
            when rfm_cuts.measure = 'frequency'
                then
                    case
                        when
                            rfm_measured.rfm_type in (
                                'important_value', 'important_keep', 'general_value', 'general_keep'
                            )
                            then '>='
                        else '<'
                    end
            when rfm_measured.rfm_type like 'important%' then '>='
            else '<'
        end as comparison,
        rfm_cuts.cut_value as cut
    from rfm_measured
    inner join rfm_cuts on rfm_measured.as_of_date = rfm_cuts.as_of_date and rfm_cuts.purpose = 'type'
    where rfm_measured.is_scored

),

unscored_reasons as (

    select
        rfm_measured.as_of_date,
        rfm_measured.customer_id,
        rfm_measured.standard_version,
        dimensions.dimension,
        case dimensions.dimension
            when 'rfm_segment' then rfm_measured.rfm_segment
            else rfm_measured.rfm_type
        end as class,
        rfm_measured.rfm_reason as rule,
        case when rfm_measured.order_count = 0 then 'order_count' else 'order_count_window' end as measure,
        0 as value,
        '=' as comparison,
        0 as cut
    from rfm_measured
    cross join (values ('rfm_segment'), ('rfm_type')) as dimensions (dimension)
    where not rfm_measured.is_scored

),

matrix_reasons as (

    select
        matrices.as_of_date,
        matrices.customer_id,
        matrices.standard_version,
        matrices.matrix as dimension,
        matrices.quadrant as class,
        case
            when matrices.quadrant <> 'unknown' then 'both_axes_against_cuts'
            when matrices.x_value is null or matrices.y_value is null then 'axis_unknown'
            else 'no_cut'
        end as rule,
        matrix_cuts.measure,
        case matrix_cuts.axis when 'x' then matrices.x_value when 'y' then matrices.y_value end as value,
        case
            when matrix_cuts.axis = 'x' and matrices.is_x_high then '>='
            when matrix_cuts.axis = 'x' and not matrices.is_x_high then '<'
            when matrix_cuts.axis = 'y' and matrices.is_y_high then '>='
            when matrix_cuts.axis = 'y' and not matrices.is_y_high then '<'
        end as comparison,
        matrix_cuts.cut_value as cut
    from matrices
    left join matrix_cuts
        on matrices.as_of_date = matrix_cuts.as_of_date and matrices.matrix = matrix_cuts.matrix

),

clarity_measures as (

    select
        needs.as_of_date,
        needs.customer_id,
        needs.standard_version,
        needs.need_clarity,
        needs.clarity_reason,
        case
            when needs.clarity_reason in ('explicit_opportunity', 'open_opportunity') then features.open_opportunities
            when needs.clarity_reason = 'cart' then features.recent_carts
            when needs.clarity_reason = 'views' then features.recent_views
        end as signs
    from needs
    inner join features on needs.as_of_date = features.as_of_date and needs.customer_id = features.customer_id

),

clarity_reasons as (

    select
        as_of_date,
        customer_id,
        standard_version,
        'need_clarity' as dimension,
        need_clarity as class,
        clarity_reason as rule,
        case
            when clarity_reason in ('explicit_opportunity', 'open_opportunity') then 'open_opportunities'
            when clarity_reason = 'cart' then 'recent_carts'
            when clarity_reason = 'views' then 'recent_views'
        end as measure,
        signs as value,
        case when signs is not null then '>' end as comparison,
        case when signs is not null then 0 end as cut
    from clarity_measures

),

type_of_need_reasons as (

    select
        needs.as_of_date,
        needs.customer_id,
        needs.standard_version,
        'need_type' as dimension,
        needs.need_type as class,
        needs.type_reason as rule,
        case
            when needs.type_reason = 'no_counted_order' then 'order_count'
            when needs.type_reason = 'no_order_in_window' then 'order_count_window'
            when needs.type_reason <> 'inputs_unknown' then 'type_percentile'
        end as measure,
        case
            when needs.type_reason in ('no_counted_order', 'no_order_in_window') then 0
            when needs.type_reason <> 'inputs_unknown' then needs.type_percentile
        end as value,
        case
            when needs.type_reason in ('no_counted_order', 'no_order_in_window') then '='
            when needs.type_reason = 'highest_percentile' then '>='
            when needs.type_percentile is not null then '<'
        end as comparison,
        case
            when needs.type_reason in ('no_counted_order', 'no_order_in_window') then 0
            when needs.type_reason <> 'inputs_unknown' then standards.need_type_cut
        end as cut
    from needs
    inner join standards on needs.standard_version = standards.standard_version

),

{#- The measure whose percentile was the highest. -#}
need_measure_reasons as (

    select
        needs.as_of_date,
        needs.customer_id,
        needs.standard_version,
        'need_type' as dimension,
        needs.need_type as class,
        needs.type_reason as rule,
        case needs.need_type
            when 'price' then 'discount_share'
            when 'quality' then 'premium_share'
            when 'service' then 'service_contacts_365d'
            else 'novelty_share'
        end as measure,
        case needs.need_type
            when 'price' then features.discount_share
            when 'quality' then features.premium_share
            when 'service' then features.service_contacts_365d
            else features.novelty_share
        end as value,
        '>' as comparison,
        0 as cut
    from needs
    inner join features on needs.as_of_date = features.as_of_date and needs.customer_id = features.customer_id
    where needs.type_reason = 'highest_percentile'

),

motive_reasons as (

    select
        as_of_date,
        customer_id,
        standard_version,
        'need_motive' as dimension,
        need_motive as class,
        case when need_motive = 'unknown' then 'no_motive_stated' else 'motive_stated' end as rule,
        cast(null as varchar) as measure,
        cast(null as decimal(24, 6)) as value,
        cast(null as varchar) as comparison,
        cast(null as decimal(24, 6)) as cut
    from needs

),

cluster_reasons as (

    select
        segments.as_of_date,
        segments.customer_id,
        segments.standard_version,
        'cluster' as dimension,
        segments.cluster as class,
        case
            when segments.cluster <> 'unknown' then 'nearest_centre'
            when segments.order_count = 0 then 'no_counted_order'
            when segments.order_count_window = 0 then 'no_order_in_window'
            else 'no_fit'
        end as rule,
        case
            when segments.cluster <> 'unknown' or segments.order_count_window > 0 then null
            when segments.order_count = 0 then 'order_count'
            else 'order_count_window'
        end as measure,
        case when segments.cluster = 'unknown' and segments.order_count_window = 0 then 0 end as value,
        case when segments.cluster = 'unknown' and segments.order_count_window = 0 then '=' end as comparison,
        case when segments.cluster = 'unknown' and segments.order_count_window = 0 then 0 end as cut
    from segments
    inner join standards on segments.standard_version = standards.standard_version
    where standards.has_clusters

),

own_reasons as (

    select
        as_of_date,
        customer_id,
        standard_version,
        dimension,
        class,
        case when rule_number = 0 then 'own_default' else 'own_rule_' || cast(rule_number as varchar) end as rule,
        cast(null as varchar) as measure,
        cast(null as decimal(24, 6)) as value,
        cast(null as varchar) as comparison,
        cast(null as decimal(24, 6)) as cut
    from own

),

reasons as (
    {% for relation in relations %}
        select
            as_of_date,
            customer_id,
            standard_version,
            dimension,
            class,
            rule,
            measure,
            cast(value as decimal(24, 6)) as value,
            comparison,
            cast(cut as decimal(24, 6)) as cut
        from {{ relation }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        dimension,
        class,
        rule,
        measure,
        value,
        comparison,
        cut
    from reasons

)

select * from final
