{#- A share in [0, 1) that depends on the text alone: the first 32 bits of its MD5 over 2^32. -#}
{% macro hash_share(text) -%}
    {{ return(adapter.dispatch('hash_share', 'customer_strata')(text)) }}
{%- endmacro %}

{% macro duckdb__hash_share(text) -%}
    (cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) / cast(4294967296 as double))
{%- endmacro %}

{% macro spark__hash_share(text) -%}
    (cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as bigint) / cast(4294967296 as double))
{%- endmacro %}

{#- Where a customer falls between 0 and 1 in a campaign's draw; depends on the salt and the customer's number alone. -#}
{% macro arm_share(salt, registry_id) -%}
    {{ hash_share(salt ~ " || ':' || cast(" ~ registry_id ~ " as varchar)") }}
{%- endmacro %}
