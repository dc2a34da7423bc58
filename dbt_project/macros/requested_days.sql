{#-
    Removes the days that this run computes from an incremental mart, inside the transaction that writes them anew. What
    is otherwise than in most marts a model says in its meta: `day_column`, and `is_dated: false` where it has no day.
-#}
{% macro clear_requested_days() -%}
    {%- if is_incremental() and model.config.meta.get('is_dated', true) -%}
        delete from {{ this }}
        where
            {{ day_column(model) }}
            in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)
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

{#-
    Notes the days of this run in the transaction that writes their classes into the history, so that history and days
    never part. Batch 0 keeps a day marked until its run has succeeded.
-#}
{% macro note_history_days() -%}
    insert into {{ source('control', 'history_days') }}
    select
        as_of_date,
        standard_version,
        0 as batch_sequence
    from {{ source('control', 'as_of_days') }}
    where is_requested
    on conflict (as_of_date) do update set standard_version = excluded.standard_version
{%- endmacro %}
