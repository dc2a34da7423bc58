{#- Removes the days that this run computes from an incremental mart, inside the transaction that writes them anew. -#}
{% macro clear_requested_days() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{#- The same for the month ends whose outcomes this run learns anew. -#}
{% macro clear_reference_days() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where reference_on in (select as_of_date from {{ source('control', 'as_of_days') }} where is_reference)
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}
