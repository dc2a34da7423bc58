{#-
    How a model of many days is written. A range holds many times the rows of a day: joined and sorted at once, 48
    month ends of a million customers took more than the 24 GB of a machine. A model whose meta says `by_days` is
    computed some days at a time, so that its joins and sorts hold no more than their rows. The filter on `as_of_date`
    is put around the model, and DuckDB carries it to what the model reads; the rows are the same by construction.
-#}

{#-
    The first and last days of what is computed at a time, about a million rows of one a customer; none where all is.
    A million rows of the widest table take some 2 GB to join and sort.
-#}
{% macro stretches_of_days() -%}
    {%- if not model.config.meta.get('by_days') -%}
        {{ return([]) }}
    {%- endif -%}
    {%- call statement('stretches', fetch_result=True) -%}
        select
            cast(min(as_of_date) as varchar) as first_day,
            cast(max(as_of_date) as varchar) as last_day
        from (
            select
                as_of_date,
                (row_number() over (order by as_of_date) - 1) // greatest(
                    1, 1000000 // greatest(1, (select count(*) from {{ source('identity', 'customer_aliases') }}))
                ) as stretch
            from {{ source('control', 'as_of_days') }}
        ) as numbered
        group by stretch
        order by first_day
    {%- endcall -%}
    {%- set found = load_result('stretches').table.rows -%}
    {{ return(found if found | length > 1 else []) }}
{%- endmacro %}

{#- The columns of `query` are found by name. -#}
{% macro insert_by_days(relation, query, stretches) -%}
    {%- for stretch in stretches %}
        insert into {{ relation }} by name
        select * from (
            {{ query }}
        ) as rows_of_all_days
        where as_of_date between date '{{ stretch.first_day }}' and date '{{ stretch.last_day }}';
    {%- endfor %}
{%- endmacro %}

{#-
    With its columns written out: to a table made by a query that gives no row, what the same transaction adds is no
    match for any filter (DuckDB 2.0.0).
-#}
{% macro create_by_days(relation, query, stretches) -%}
    {%- set is_contracted = config.get('contract').enforced -%}
    {%- if is_contracted -%} {{ get_assert_columns_equivalent(query) }} {%- endif %}
    create or replace table {{ relation }}
    {%- if is_contracted %}
        {{ get_table_columns_and_constraints() }}
    {%- else %} (
            {%- for column in get_column_schema_from_query(query) %}
                {{ column.quoted }} {{ column.dtype }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endif %};
    {{ insert_by_days(relation, query, stretches) }}
{%- endmacro %}

{#- dbt-duckdb's own incremental materialization makes a new table by this. -#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- set stretches = stretches_of_days() if language == 'sql' and not temporary else [] -%}
    {%- if stretches -%}
        {{ create_by_days(relation, compiled_code, stretches) }}
    {%- else -%}
        {{ return(dbt.duckdb__create_table_as(
            temporary, relation, compiled_code, language, partitioned_by, sorted_by
        )) }}
    {%- endif -%}
{%- endmacro %}
