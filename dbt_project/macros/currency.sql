{#-
    An amount in the reporting currency, rounded to cents (or `digits`); NULL where it needs a rate and there is none.
    The product has 38 digits: DuckDB multiplies two decimals of 18 in 18, which ends at a hundred million.
-#}
{% macro in_reporting_currency(amount, currency, rate, digits=2) -%}
    case
        when {{ currency }} = '{{ env_var("STRATA_REPORTING_CURRENCY", "USD") }}' then {{ amount }}
        else cast(round(cast({{ amount }} as decimal(20, {{ digits }})) * {{ rate }}, {{ digits }}) as decimal(18, {{ digits }}))
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
