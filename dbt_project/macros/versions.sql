{#-
    The current version of each key: newest updated_at, else newest batch, else the later row of one file.
    `relation` is a CTE name; the result has its columns and `version_rank` (always 1).
-#}
{% macro newest_version(relation, key, newest_first=['batch_sequence desc', 'row_number desc']) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by {{ newest_first | join(', ') }}
            ) as version_rank
        from {{ relation }}
    ) as ranked
    where version_rank = 1
{%- endmacro %}

{% macro newest_updated() -%}
    {{ return(['updated_at desc nulls last', 'batch_sequence desc', 'row_number desc']) }}
{%- endmacro %}

{#- The day on which a version gives way to the next one of its key. -#}
{% macro valid_to_next_version(key) -%}
    coalesce(
        lead(valid_from) over (partition by {{ key | join(', ') }} order by valid_from),
        date '9999-12-31'
    )
{%- endmacro %}
