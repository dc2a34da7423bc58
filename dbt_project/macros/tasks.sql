{#- The id of what a list asks of somebody: CRMs keep it beside their task, and results come back by it. -#}
{% macro task_id(entry) -%}
    {{ entry }}.campaign_id || ':' || cast({{ entry }}.registry_id as varchar) || ':' || {{ entry }}.channel
{%- endmacro %}
