{#-
    Number of the first rule of an own dimension that holds for `features`, the alias of a row of features; 0 where none
    does. The rules are compiled into a function of the warehouse itself, beside the control tables, so that a new rule needs
    no new SQL here.
-#}
{% macro own_rule(standard_version, dimension, features) -%}
    {{ source('control', 'own_rules').include(identifier=false) }}.own_rule(
        {{ standard_version }}, {{ dimension }}, {{ adapter.dispatch('whole_row', 'customer_strata')(features) }}
    )
{%- endmacro %}

{% macro duckdb__whole_row(alias) -%}
    {{ alias }}
{%- endmacro %}

{% macro spark__whole_row(alias) -%}
    struct({{ alias }}.*)
{%- endmacro %}
