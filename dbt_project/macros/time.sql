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

{#- The hour of the day, 0 to 23, of an instant in the business time zone. -#}
{% macro business_hour(instant) -%}
    {{ return(adapter.dispatch('business_hour', 'customer_strata')(instant)) }}
{%- endmacro %}

{% macro duckdb__business_hour(instant) -%}
    cast(extract(hour from timezone('{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}', {{ instant }})) as integer)
{%- endmacro %}

{% macro spark__business_hour(instant) -%}
    hour(from_utc_timestamp({{ instant }}, '{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}'))
{%- endmacro %}

{#- The weekday of a date, 1 Monday to 7 Sunday. -#}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday', 'customer_strata')(day)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(day) -%}
    cast(isodow({{ day }}) as integer)
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}

{#- The instant at which a business day begins. -#}
{% macro business_day_start(day) -%}
    {{ return(adapter.dispatch('business_day_start', 'customer_strata')(day)) }}
{%- endmacro %}

{% macro duckdb__business_day_start(day) -%}
    timezone('{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}', cast({{ day }} as timestamp))
{%- endmacro %}

{% macro spark__business_day_start(day) -%}
    to_utc_timestamp(cast({{ day }} as timestamp), '{{ env_var("STRATA_BUSINESS_TIME_ZONE", "UTC") }}')
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

{#- Microseconds from one instant to a later one. -#}
{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('microseconds_between', 'customer_strata')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__microseconds_between(earlier, later) -%}
    (epoch_us({{ later }}) - epoch_us({{ earlier }}))
{%- endmacro %}

{% macro spark__microseconds_between(earlier, later) -%}
    (unix_micros({{ later }}) - unix_micros({{ earlier }}))
{%- endmacro %}
