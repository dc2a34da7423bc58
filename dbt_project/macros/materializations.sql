{#-
    How models are written, in fewer statements than dbt-duckdb takes: it builds a table or view beside the old one,
    renames both and drops the old; it writes rows to be appended twice, first aside, and asks five times for columns.
    DuckDB replaces a table or view inside a transaction and appends to one, so that a failed or killed model leaves what
    was there just as well. What is not the plain case is left to dbt-duckdb's own materializations.
-#}
{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do drop_other_kind(target_relation) %}
    {% call statement('main') -%}
        {% if config.get('contract').enforced -%} {{ get_assert_columns_equivalent(sql) }} {%- endif %}
        create or replace view {{ target_relation }} as (
            {{ sql }}
        )
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set is_python = model['language'] == 'python' -%}
    {%- set aside = make_intermediate_relation(target_relation) if is_python else built_by_parts(sql) -%}

    {#- What Python gives is written by a connection of its own. -#}
    {%- if is_python -%}
        {% call statement('clear', auto_begin=False) -%} drop table if exists {{ aside }} {%- endcall %}
        {% call statement('main', language='python') -%}
            {{ create_table_as(False, aside, compiled_code, 'python') }}
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do drop_other_kind(target_relation) %}
    {% call statement('replace' if is_python else 'main') -%}
        {%- if aside %}
            drop table if exists {{ target_relation }};
            alter table {{ aside }} rename to {{ adapter.quote(target_relation.identifier) }}
        {%- elif config.get('contract').enforced %}
            {{ get_assert_columns_equivalent(sql) }}
            create or replace table {{ target_relation }} {{ get_table_columns_and_constraints() }};
            insert into {{ target_relation }} {{ get_column_names() }} (
                {{ get_select_subquery(sql) }}
            )
        {%- else %}
            create or replace table {{ target_relation }} as (
                {{ sql }}
            )
        {%- endif %}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#-
    Rows that are appended go straight into the table. Those of many days go there some days at a time, each in a
    transaction with the deletion of the rows that they replace: a failed or killed model leaves every day whole, as it
    was or as it is now.
-#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set is_new = load_cached_relation(this) is none -%}
    {%- set is_plain = (
        config.get('incremental_strategy') == 'append'
        and config.get('on_schema_change') == 'fail'
        and not model.config.meta.get('by_customers')
        and (is_new or is_incremental())
    ) -%}
    {%- if is_plain and is_new -%} {%- do create_empty(target_relation, sql) -%} {%- endif -%}
    {#- Columns that are new, gone or of another type are dbt's to refuse. -#}
    {%- set columns = get_column_schema_from_query(sql) if is_plain else [] -%}
    {%- if not is_plain or not are_same_columns(columns, adapter.get_column_schema_from_query('from ' ~ this)) -%}
        {%- set aside = built_by_parts(sql) -%}
        {%- set written = dbt.materialization_incremental_duckdb() -%}
        {%- if aside -%} {%- do adapter.drop_relation(aside) -%} {%- endif -%}
        {{ return(written) }}
    {%- endif -%}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}

    {% if config.get('contract').enforced and not hold_contract(columns) -%} {% do assert_columns_equivalent(sql) %} {%- endif %}
    {%- set parts = parts_of(sql) or [{'query': sql, 'filter': 'true'}] -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- for part in parts -%}
        {% do clear_replaced_days(part.filter) %}
        {% call statement('main') -%}
            insert into {{ target_relation }} ({{ names }}) (
                {{ part.query }}
            )
        {%- endcall %}
        {%- if not loop.last -%} {%- do adapter.commit() -%} {%- endif -%}
    {%- endfor %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#- A table where a view was, or the other way round: DuckDB replaces only what is of the same kind. -#}
{% macro drop_other_kind(relation) %}
    {%- set there = load_cached_relation(relation) -%}
    {%- if there is not none and there.type != relation.type -%}
        {% do adapter.drop_relation(there) %}
    {%- endif -%}
{% endmacro %}


{% macro are_same_columns(made, there) %}
    {%- set types = {} -%}
    {%- for column in there -%} {%- do types.update({column.name: column.dtype}) -%} {%- endfor -%}
    {%- for column in made if types.get(column.name) != column.dtype -%} {{ return(false) }} {%- endfor -%}
    {{ return(made | length == there | length) }}
{% endmacro %}


{#- Whether columns are those of the model's contract, whose types are written as DuckDB writes them, but for capitals. -#}
{% macro hold_contract(columns) %}
    {%- for column in columns -%}
        {%- set promised = model['columns'].get(column.name) -%}
        {%- if promised is none or promised['data_type'] | lower != column.dtype | lower -%} {{ return(false) }} {%- endif -%}
    {%- endfor -%}
    {{ return(columns | length == model['columns'] | length) }}
{% endmacro %}


{#- dbt asks DuckDB also how it writes the contract's types; that is left to contracts that are not kept. -#}
{% macro duckdb__get_assert_columns_equivalent(sql) %}
    {%- if not hold_contract(get_column_schema_from_query(sql, config.get('sql_header', none))) -%}
        {{ assert_columns_equivalent(sql) }}
    {%- endif -%}
{% endmacro %}
