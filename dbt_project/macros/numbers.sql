{#-
    A ratio of two amounts of at most two decimals, rounded half away from zero to 6 digits; NULL where the denominator
    is 0 or unknown. In whole numbers: a double would round 128.8965625 down or up as its last bit happens to fall.
-#}
{% macro ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('ratio', 'customer_strata')(numerator, denominator)) }}
{%- endmacro %}

{#- 64 bits hold what 128 do where both lie below 40 thousand million, in a seventh of the time; a sum is of 128 bits. -#}
{% macro duckdb__ratio(numerator, denominator) -%}
    {%- set short_numerator = 'try_cast(' ~ numerator ~ ' as decimal(18, 2))' -%}
    {%- set short_denominator = 'try_cast(' ~ denominator ~ ' as decimal(18, 2))' -%}
    {%- set long_numerator = 'cast(' ~ numerator ~ ' as decimal(36, 2))' -%}
    {%- set long_denominator = 'cast(' ~ denominator ~ ' as decimal(36, 2))' -%}
    case
        when abs({{ short_numerator }}) < 40000000000 and abs({{ short_denominator }}) < 40000000000
            then {{ duckdb__whole_ratio(short_numerator, short_denominator, 'bigint') }}
        else {{ duckdb__whole_ratio(long_numerator, long_denominator, 'hugeint') }}
    end
{%- endmacro %}

{% macro duckdb__whole_ratio(numerator, denominator, integer) -%}
    cast(
        cast(
            sign({{ numerator }}) * sign({{ denominator }})
            * (
                (
                    2000000 * abs(cast(({{ numerator }}) * 100 as {{ integer }}))
                    + abs(cast(({{ denominator }}) * 100 as {{ integer }}))
                )
                // nullif(2 * abs(cast(({{ denominator }}) * 100 as {{ integer }})), 0)
            ) as decimal(32, 0)
        ) * 0.000001 as decimal(18, 6)
    )
{%- endmacro %}

{% macro spark__ratio(numerator, denominator) -%}
    cast(round(({{ numerator }}) / nullif({{ denominator }}, 0), 6) as decimal(18, 6))
{%- endmacro %}

{#- Median of integers below 2^52: a double holds it and its halves exactly, so decimal(18, 2) does. NULL over no rows. -#}
{% macro exact_median(value, type='decimal(12, 2)') -%}
    cast({{ adapter.dispatch('median', 'customer_strata')(value) }} as {{ type }})
{%- endmacro %}

{% macro duckdb__median(value) -%}
    quantile_cont({{ value }}, 0.5)
{%- endmacro %}

{% macro spark__median(value) -%}
    percentile({{ value }}, 0.5)
{%- endmacro %}

{#- Value of the row with the greatest key among rows whose value is known. -#}
{% macro newest_known(value, precedence) -%}
    max_by({{ value }}, case when {{ value }} is not null then {{ precedence }} end)
{%- endmacro %}

{#- Value of the row that comes first by the keys, the least of each first. Every key is known. -#}
{% macro foremost(value, keys) -%}
    {{ return(adapter.dispatch('foremost', 'customer_strata')(value, keys)) }}
{%- endmacro %}

{% macro duckdb__foremost(value, keys) -%}
    min_by({{ value }}, row({{ keys | join(', ') }}))
{%- endmacro %}

{% macro spark__foremost(value, keys) -%}
    min_by({{ value }}, struct({{ keys | join(', ') }}))
{%- endmacro %}

{#- A double as a decimal of the digits that it is written with, not of those of its binary fraction. -#}
{% macro written_out(value, type='decimal(38, 18)') -%}
    cast(cast({{ value }} as varchar) as {{ type }})
{%- endmacro %}
