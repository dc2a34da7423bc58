{#- What customer records say in words; unknown where none says. -#}
{%- macro customer_attributes() -%}
    {{ return(['kind', 'industry', 'company_size', 'region', 'city', 'decision_role', 'member_level', 'owner']) }}
{%- endmacro -%}

{#- The attributes of `relation` as columns, one a line. -#}
{%- macro attribute_columns(relation) -%}
    {%- for attribute in customer_attributes() -%}
        {{ relation }}.{{ attribute }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#- The same, unknown where no record says. -#}
{%- macro attributes_or_unknown(relation) -%}
    {%- for attribute in customer_attributes() -%}
        coalesce({{ relation }}.{{ attribute }}, 'unknown') as {{ attribute }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#- Over versions that hold together, the newest known value of each. -#}
{%- macro newest_known_attributes(relation) -%}
    {%- for attribute in customer_attributes() -%}
        {{ newest_known(relation ~ '.' ~ attribute, relation ~ '.precedence') }} as {{ attribute }}
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}
