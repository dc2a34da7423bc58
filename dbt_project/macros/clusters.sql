{%- macro cluster_measures() -%}
    {{ return(['recency', 'frequency', 'monetary']) }}
{%- endmacro -%}

{#- A standard has at most nine clusters. -#}
{%- macro cluster_numbers() -%}
    {{ return(range(1, 10)) }}
{%- endmacro -%}

{#- Columns of one fit's scales and centres side by side, so that a customer is compared with all of them without a join a centre. -#}
{%- macro pivoted_cluster_centres() -%}
    {%- for measure in cluster_measures() -%}
        max({{ measure }}_mean) as {{ measure }}_mean,
        max({{ measure }}_deviation) as {{ measure }}_deviation,
        {% for number in cluster_numbers() -%}
            max({{ measure }}_centre) filter (where cluster = 'cluster_{{ number }}') as {{ measure }}_centre_{{ number }}
            {%- if not loop.last %},
            {% endif -%}
        {%- endfor -%}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#-
    Squared distance from each centre, NULL from one that the fit does not have. Three squares added in one order give the
    same double in every run.
-#}
{%- macro cluster_distances() -%}
    {%- for number in cluster_numbers() -%}
        {%- for measure in cluster_measures() -%}
            power({{ measure }} - {{ measure }}_centre_{{ number }}, 2) {{- ' + ' if not loop.last }}
        {%- endfor %} as distance_{{ number }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#- The nearest of the clusters, of equally near ones the smallest number. least() passes over what is NULL. -#}
{%- macro nearest_cluster() -%}
    case least({% for number in cluster_numbers() %}distance_{{ number }}{{ ', ' if not loop.last }}{% endfor %})
        {%- for number in cluster_numbers() %}
            when distance_{{ number }} then 'cluster_{{ number }}'
        {%- endfor %}
        else 'unknown'
    end
{%- endmacro -%}
