{#- A ratio rounded to 6 digits; NULL where the denominator is 0 or unknown. Both sides are exact before the division. -#}
{% macro ratio(numerator, denominator) -%}
    cast(round(cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0), 6) as decimal(18, 6))
{%- endmacro %}

{#- Median of integers or halves: exact in a double, so exact in decimal(12, 2). NULL over no rows. -#}
{% macro exact_median(value) -%}
    cast({{ adapter.dispatch('median', 'customer_strata')(value) }} as decimal(12, 2))
{%- endmacro %}

{% macro duckdb__median(value) -%}
    quantile_cont({{ value }}, 0.5)
{%- endmacro %}

{% macro spark__median(value) -%}
    percentile({{ value }}, 0.5)
{%- endmacro %}

{#- Value of the row with the greatest key among rows whose value is known. -#}
{% macro newest_known(value, precedence) -%}
    max_by({{ value }}, case when {{ value }} is not null then {{ precedence }} end)
{%- endmacro %}
