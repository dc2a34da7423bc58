{#- The columns together are the grain: no two rows share them. Says nothing of columns that are NULL. -#}
{% test unique_key(model, columns, where=none) %}

    select
        {{ columns | join(', ') }},
        count(*) as rows_with_this_key
    from {{ model }}
    {% if where %}where {{ where }}{% endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1

{% endtest %}
