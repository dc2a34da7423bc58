{#-
    What dbt asks for the rows that a data test looks at. Of a mart of days those of the days that have not passed every test
    since they were written: else a day costs the more the more days are stored. Lists are written after that, and are small:
    all of them are tested.
-#}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] -%}
    {%- set tested = graph.nodes.get(model.attached_node) if execute -%}
    {%- if
        tested and tested.fqn[1] == 'marts' and tested.config.materialized == 'incremental'
        and tested.config.meta.get('is_dated', true) and 'list' not in tested.tags
    -%}
        {%- do conditions.append(
            day_column(tested) ~ ' not in (select as_of_date from ' ~ source('audit', 'checked_days') ~ ')'
        ) -%}
    {%- endif -%}
    {%- set conditions = conditions | select | list -%}
    {%- if not conditions -%}
        {%- do return(relation) -%}
    {%- endif -%}
    {%- do return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as tested_rows') -%}
{%- endmacro %}
