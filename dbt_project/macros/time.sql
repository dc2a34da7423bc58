{#- The business day of an instant (timestamp with time zone): the calendar date in the business time zone. -#}
{% macro business_day(instant) -%}
    {{ return(adapter.dispatch('business_day', 'customer_strata')(instant)) }}
{%- endmacro %}

{#- The zone is a constant of the compiled SQL: DuckDB sets up its calendar once a query so, once a row otherwise. -#}
{% macro duckdb__business_day(instant) -%}
    cast(timezone('{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}', {{ instant }}) as date)
{%- endmacro %}

{% macro spark__business_day(instant) -%}
    cast(from_utc_timestamp({{ instant }}, '{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}') as date)
{%- endmacro %}

{#- The day that lies `days` before `day`. A span of N days at D holds the days after days_before(D, N), up to D. -#}
{% macro days_before(day, days) -%}
    {{ return(adapter.dispatch('days_before', 'customer_strata')(day, days)) }}
{%- endmacro %}

{% macro duckdb__days_before(day, days) -%}
    ({{ day }} - cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__days_before(day, days) -%}
    date_sub({{ day }}, cast({{ days }} as int))
{%- endmacro %}

{#- Whole days from `earlier` to `later`. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'customer_strata')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    cast(datediff({{ later }}, {{ earlier }}) as bigint)
{%- endmacro %}
