{#- The values of a group as a list, in rising order of a key that no two share. -#}
{% macro listed(value, key) -%}
    {{ return(adapter.dispatch('listed', 'customer_strata')(value, key)) }}
{%- endmacro %}

{% macro duckdb__listed(value, key) -%}
    list({{ value }} order by {{ key }})
{%- endmacro %}

{% macro spark__listed(value, key) -%}
    transform(array_sort(collect_list(struct({{ key }} as place, {{ value }} as listed))), entry -> entry.listed)
{%- endmacro %}
