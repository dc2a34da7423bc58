{#- An amount in the reporting currency, rounded to cents (or `digits`); NULL where it needs a rate and there is none. -#}
{% macro in_reporting_currency(amount, currency, rate, digits=2) -%}
    case
        when {{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' then {{ amount }}
        else cast(round({{ amount }} * {{ rate }}, {{ digits }}) as decimal(18, {{ digits }}))
    end
{%- endmacro %}

{% macro has_rate(currency, rate) -%}
    ({{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' or {{ rate }} is not null)
{%- endmacro %}

{#- What one unit of the currency is worth in the reporting currency. -#}
{% macro reporting_rate(currency, rate) -%}
    case
        when {{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' then cast(1 as decimal(18, 8))
        else {{ rate }}
    end
{%- endmacro %}
