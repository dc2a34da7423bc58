{#- Measures that an axis of a matrix can have: the numbers of int_customer_features, then the scores. -#}
{% macro axis_measures() -%}
    {{ return([
        'recency_days', 'tenure_days', 'order_count', 'order_days', 'revenue', 'margin', 'average_order_value',
        'median_gap_days', 'longest_gap_closed_days', 'order_count_window', 'order_days_window', 'revenue_window',
        'margin_window', 'order_count_90d', 'revenue_90d', 'order_count_prior_90d', 'revenue_prior_90d',
        'discount_share', 'refund_share', 'premium_share', 'novelty_share', 'usual_hour', 'service_contacts_365d',
        'complaints_365d', 'interactions_90d', 'recent_complaints', 'median_reply_hours', 'open_opportunities',
        'open_opportunity_value', 'days_to_close', 'recent_views', 'recent_carts', 'recent_browses', 'satisfaction',
        'competitor_closeness', 'value_score', 'potential_score', 'urgency_score',
    ]) }}
{%- endmacro %}

{#- The measure's number, to compare once a customer and axis in place of its name. -#}
{% macro axis_measure_number(measure) -%}
    case {{ measure }}
        {%- for name in axis_measures() %}
            when '{{ name }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{#- The value of the measure with that number, of a row that has all measures. -#}
{% macro axis_value(measure_number) -%}
    case {{ measure_number }}
        {%- for name in axis_measures() %}
            when {{ loop.index }} then cast({{ name }} as decimal(24, 6))
        {%- endfor %}
    end
{%- endmacro %}

{#- All measures, each from the table that has it. -#}
{% macro axis_measures_of(features, scores) -%}
    {%- for name in axis_measures() %}
        {{ scores if name.endswith('_score') else features }}.{{ name }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}
