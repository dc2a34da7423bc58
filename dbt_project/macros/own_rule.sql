{#-
    Number of the first rule of an own dimension that holds for a row of features, 0 where none does. The rules are compiled
    into a macro of the warehouse itself, beside the control tables, so that a new rule needs no new SQL here.
-#}
{% macro own_rule(standard_version, dimension, features) -%}
    {{ source('control', 'own_rules').include(identifier=false) }}.own_rule(
        {{ standard_version }}, {{ dimension }}, {{ features }}
    )
{%- endmacro %}
