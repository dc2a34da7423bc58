{#-
    A ratio of two amounts of at most six decimals, rounded half away from zero to 6 digits, in whole numbers; NULL where
    the denominator is 0 or unknown.
-#}
{% macro fine_ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('fine_ratio', 'customer_strata')(numerator, denominator)) }}
{%- endmacro %}

{% macro duckdb__fine_ratio(numerator, denominator) -%}
    {{ rounded_quotient(scaled(numerator) ~ ' * 1000000', scaled(denominator)) }}
{%- endmacro %}

{% macro spark__fine_ratio(numerator, denominator) -%}
    cast(round(({{ numerator }}) / nullif({{ denominator }}, 0), 6) as decimal(24, 6))
{%- endmacro %}

{#-
    100 × the mean of the known factors, each with its weight, rounded once, half away from zero to 6 digits; NULL where no
    factor is known. `factors` are pairs of a value and its weight, both of at most six decimals, no weight below 0.
-#}
{% macro weighted_score(factors) -%}
    {{ return(adapter.dispatch('weighted_score', 'customer_strata')(factors)) }}
{%- endmacro %}

{% macro duckdb__weighted_score(factors) -%}
    {%- set products = [] -%}
    {%- set weights = [] -%}
    {%- for factor, weight in factors -%}
        {%- do products.append('coalesce(' ~ scaled(factor) ~ ' * ' ~ scaled(weight) ~ ', 0)') -%}
        {%- do weights.append('case when ' ~ factor ~ ' is not null then ' ~ scaled(weight) ~ ' else 0 end') -%}
    {%- endfor -%}
    {{ rounded_quotient('100 * (' ~ products | join(' + ') ~ ')', '(' ~ weights | join(' + ') ~ ')') }}
{%- endmacro %}

{% macro spark__weighted_score(factors) -%}
    cast(
        round(
            100 * (
                {%- for factor, weight in factors %}
                    coalesce({{ factor }} * {{ weight }}, 0) {{- ' +' if not loop.last }}
                {%- endfor %}
            ) / nullif(
                {%- for factor, weight in factors %}
                    case when {{ factor }} is not null then {{ weight }} else 0 end {{- ' +' if not loop.last }}
                {%- endfor %}
            , 0), 6
        ) as decimal(24, 6)
    )
{%- endmacro %}

{#- A decimal of at most six decimals in millionths. -#}
{% macro scaled(amount) -%}
    cast(({{ amount }}) * 1000000 as hugeint)
{%- endmacro %}

{#- Whole numbers divided, half away from zero, read as millionths; NULL where the divisor is 0. -#}
{% macro rounded_quotient(dividend, divisor) -%}
    cast(
        cast(
            sign({{ dividend }}) * sign({{ divisor }})
            * ((2 * abs({{ dividend }}) + abs({{ divisor }})) // nullif(2 * abs({{ divisor }}), 0)) as decimal(32, 0)
        ) * 0.000001 as decimal(24, 6)
    )
{%- endmacro %}

{#-
    The percentile p() of each known value on its day: the share of the population strictly below it, to 6 digits, once a
    distinct value, so that equal values have equal shares. NULL where the population is empty. `relation` is a CTE with
    as_of_date and `value`; whoever fulfils `is_counted` is the population.
-#}
{% macro shares_below(relation, value, is_counted='true') -%}
    select
        as_of_date,
        {{ value }},
        {{ ratio('customers_below', 'customers_in_all') }} as share_below
    from (
        select
            as_of_date,
            {{ value }},
            coalesce(
                sum(customers) over (
                    partition by as_of_date order by {{ value }} rows between unbounded preceding and 1 preceding
                ), 0
            ) as customers_below,
            sum(customers) over (partition by as_of_date) as customers_in_all
        from (
            select
                as_of_date,
                {{ value }},
                count(*) filter (where {{ is_counted }}) as customers
            from {{ relation }}
            where {{ value }} is not null
            group by as_of_date, {{ value }}
        ) as distinct_values
    ) as standings
{%- endmacro %}
