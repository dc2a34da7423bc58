{#-
    Removes from an incremental model the days that it is about to write anew, inside the transaction that writes them;
    none where the model says nothing of days. Which these are it says in its meta: `replaced_days` names the flag of
    control.as_of_days, `day_column` its own column where that is not as_of_date.
-#}
{% macro clear_replaced_days(of_part='true') -%}
    {%- set replaced_days = model.config.meta.get('replaced_days') -%}
    {%- if replaced_days -%}
        {%- call statement('clear') -%}
            delete from {{ this }}
            where
                {{ day_column(model) }} in (
                    select as_of_date from {{ source('control', 'as_of_days') }} where {{ replaced_days }}
                )
                and {{ of_part }}
        {%- endcall -%}
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
