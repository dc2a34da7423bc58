{#-
    What counts of spans of days add up to, from each day on which the sum changes to the day of its next change. `spans`
    (learnt_from, learnt_to: half open) hold of each `key` a number of `count`.
-#}
{% macro counts_over_spans(spans, key, count) -%}
    select
        {{ key | join(', ') }},
        changed_on,
        sum(sum(change)) over (partition by {{ key | join(', ') }} order by changed_on) as {{ count }},
        lead(changed_on) over (partition by {{ key | join(', ') }} order by changed_on) as changes_next_on
    from (
        select
            {{ key | join(', ') }},
            learnt_from as changed_on,
            {{ count }} as change
        from {{ spans }}
        union all
        select
            {{ key | join(', ') }},
            learnt_to as changed_on,
            -{{ count }} as change
        from {{ spans }}
    ) as changes
    group by {{ key | join(', ') }}, changed_on
{%- endmacro %}
