{#- An amount in the reporting currency, rounded to cents; NULL where it needs a rate and there is none. -#}
{% macro in_reporting_currency(amount, currency, rate) -%}
    case
        when {{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' then {{ amount }}
        else cast(round({{ amount }} * {{ rate }}, 2) as decimal(18, 2))
    end
{%- endmacro %}

{% macro has_rate(currency, rate) -%}
    ({{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' or {{ rate }} is not null)
{%- endmacro %}
