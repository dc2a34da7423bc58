{#- The dimensions that have a column of int_customers_classified, in their order. -#}
{% macro class_columns() -%}
    {{ return([
        'lifecycle_stage', 'value_tier', 'rfm_segment', 'rfm_type', 'need_clarity', 'need_type', 'need_motive', 'cluster',
    ]) }}
{%- endmacro %}

{#-
    The class of a dimension as a number of 96 bits (of its MD5), so that all classes of a customer are told from others
    by one sum, exact in decimal(38, 0): two sets of classes share a sum once in 10^28.
-#}
{% macro class_fingerprint(dimension, class) -%}
    {{ return(adapter.dispatch('class_fingerprint', 'customer_strata')(dimension, class)) }}
{%- endmacro %}

{% macro duckdb__class_fingerprint(dimension, class) -%}
    cast(cast('0x' || substr(md5({{ dimension }} || ':' || {{ class }}), 1, 24) as hugeint) as decimal(38, 0))
{%- endmacro %}

{% macro spark__class_fingerprint(dimension, class) -%}
    (
        cast(conv(substr(md5({{ dimension }} || ':' || {{ class }}), 1, 12), 16, 10) as decimal(38, 0)) * 281474976710656
        + cast(conv(substr(md5({{ dimension }} || ':' || {{ class }}), 13, 12), 16, 10) as decimal(38, 0))
    )
{%- endmacro %}
