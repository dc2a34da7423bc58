{#-
    How a model of many days is written. A range holds many times the rows of a day: joined and sorted at once, 48
    month ends of a million customers took more than the 24 GB of a machine. So a model is computed a part at a time, of
    about a million customers' days, of which the widest takes some 2 GB to join and sort.

    A model whose meta says `by_days` is computed some days at a time: a filter on its day is put around it, and DuckDB
    carries it to what the model reads. One that compares days with each other says `by_customers` and is computed
    some customers at a time: whatever it reads that is large it reads `where {{ of_these_customers() }}`. One that says
    both compares neither days nor customers: a day of more than a million customers is computed some customers at a
    time as well, by a filter around it. The rows are the same by construction.
-#}

{#- The column of a model's days. -#}
{% macro day_column(node) -%}
    {%- do return(node.config.meta.get('day_column', 'as_of_date')) -%}
{%- endmacro %}

{#- All customers; those of a part where a model is computed by customers. The column is `customer_id`. -#}
{% macro of_these_customers() -%} true /* of these customers */ {%- endmacro %}

{#- The parts of the model, each with the query of its rows and the filter that they meet; none where all are computed at once. -#}
{% macro parts_of(query) -%}
    {%- set parts = [] -%}
    {%- if model.config.meta.get('by_days') -%}
        {%- set ranges = [''] -%}
        {%- if model.config.meta.get('by_customers') -%}
            {%- set ranges = [] -%}
            {%- for part in ranges_of_customers(days=1) -%} {%- do ranges.append(' and ' ~ part.filter) -%} {%- endfor -%}
        {%- endif -%}
        {%- for part in stretches_of_days() -%}
            {%- set days = (
                day_column(model) ~ ' between date \'' ~ part.first_day ~ '\' and date \'' ~ part.last_day ~ '\''
            ) -%}
            {%- for customers in ranges -%}
                {%- set filter = days ~ customers -%}
                {%- do parts.append({
                    'query': 'select * from (' ~ query ~ '\n) as rows_of_all_days where ' ~ filter, 'filter': filter
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- elif model.config.meta.get('by_customers') -%}
        {%- for part in ranges_of_customers(number_of_rows(source('control', 'as_of_days'))) -%}
            {%- do parts.append({'query': query | replace(of_these_customers(), part.filter), 'filter': part.filter}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(parts if parts | length > 1 else []) }}
{%- endmacro %}

{% macro number_of_rows(relation) -%} (select count(*) from {{ relation }}) {%- endmacro %}

{#- The part that a row of `column` falls into where each stands for so many `rows`, and a part for about a million. -#}
{% macro number_of_part(column, rows) -%}
    (row_number() over (order by {{ column }}) - 1) // greatest(1, 1000000 // greatest(1, {{ rows }}))
{%- endmacro %}

{#- The first and last days of about a million rows of one a customer; marts have rows of requested days alone. -#}
{% macro stretches_of_days() -%}
    {%- call statement('stretches', fetch_result=True, auto_begin=False) -%}
        select
            cast(min(as_of_date) as varchar) as first_day,
            cast(max(as_of_date) as varchar) as last_day
        from (
            select
                as_of_date,
                {{ number_of_part('as_of_date', number_of_rows(source('identity', 'customer_aliases'))) }} as stretch
            from {{ source('control', 'as_of_days') }}
            {%- if model.fqn[1] == 'marts' %}
                where is_requested
            {%- endif %}
        ) as numbered
        group by stretch
        order by first_day
    {%- endcall -%}
    {{ return(load_result('stretches').table.rows) }}
{%- endmacro %}

{#- Customers of about a million rows of one a day; who is no customer any more lies between or beyond them, and counts. -#}
{% macro ranges_of_customers(days) -%}
    {%- call statement('ranges', fetch_result=True, auto_begin=False) -%}
        select
            'customer_id > ' || coalesce(lag(last_customer) over (order by last_customer), -1)
            || case
                when lead(last_customer) over (order by last_customer) is not null
                    then ' and customer_id <= ' || last_customer
                else ''
            end as filter
        from (
            select max(customer_id) as last_customer
            from (
                select
                    customer_id,
                    {{ number_of_part('customer_id', rows=days) }} as part
                from {{ source('identity', 'customer_aliases') }}
                group by customer_id
            ) as numbered
            group by part
        ) as parts
        order by last_customer
    {%- endcall -%}
    {{ return(load_result('ranges').table.rows) }}
{%- endmacro %}

{#-
    A table of the rows of all parts beside the model's own, each part in a transaction of its own; none where the model is
    computed at once. To be asked for before anything has begun a transaction. Of 122,880 rows and more that a transaction
    adds after a statement that added none, as a part may, filters and joins find nothing until the file is opened again
    (DuckDB 2.0.0).
-#}
{% macro built_by_parts(query) -%}
    {%- set relation = parts_relation() -%}
    {%- set left_by_a_killed_run = load_cached_relation(relation) -%}
    {%- if left_by_a_killed_run -%} {%- do adapter.drop_relation(left_by_a_killed_run) -%} {%- endif -%}
    {%- set parts = parts_of(query) -%}
    {%- if not parts -%} {{ return(none) }} {%- endif -%}
    {%- do create_empty(relation, query) -%}
    {%- for part in parts -%}
        {%- call statement('part', auto_begin=False) -%}
            insert into {{ relation }} by name
            {{ part.query }}
        {%- endcall -%}
    {%- endfor -%}
    {{ return(relation) }}
{%- endmacro %}

{#- A table for the rows of the query, by the model's contract where it has one, in a transaction of its own. -#}
{% macro create_empty(relation, query) -%}
    {%- if config.get('contract').enforced -%} {%- do get_assert_columns_equivalent(query) -%} {%- endif -%}
    {%- call statement('made', auto_begin=False) -%}
        create table {{ relation }}
        {%- if config.get('contract').enforced %}
            {{ get_table_columns_and_constraints() }}
        {%- else %} (
                {%- for column in get_column_schema_from_query(query) %}
                    {{ column.quoted }} {{ column.dtype }}{{ ',' if not loop.last }}
                {%- endfor %}
            )
        {%- endif %}
    {%- endcall -%}
{%- endmacro %}

{% macro parts_relation() -%}
    {{ return(make_intermediate_relation(this.incorporate(type='table'), '__parts')) }}
{%- endmacro %}

{#- dbt-duckdb's own incremental materialization makes by this a new table, and what it then puts in place of old rows. -#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- set has_parts = language == 'sql' and parts_of(compiled_code) -%}
    {{ return(dbt.duckdb__create_table_as(
        temporary, relation, 'select * from ' ~ parts_relation() if has_parts else compiled_code, language, partitioned_by,
        sorted_by
    )) }}
{%- endmacro %}
