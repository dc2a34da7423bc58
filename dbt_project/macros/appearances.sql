{#- The first business day on which some version of a record says its customer is known: `dated`, else when it landed. -#}
{% macro first_appearances(relation, dated) -%}
    select
        source,
        customer_ref,
        min(coalesce({{ dated }}, {{ business_day('landed_at') }})) as seen_on
    from {{ relation }}
    where not is_deleted
    group by source, customer_ref
{%- endmacro %}
