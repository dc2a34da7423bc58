{%- macro rfm_measures() -%}
    {{ return({'r': 'recency', 'f': 'frequency', 'm': 'monetary'}) }}
{%- endmacro -%}

{#- The greatest number of cuts a standard may have: nine bins. -#}
{%- macro rfm_cut_numbers() -%}
    {{ return(range(1, 9)) }}
{%- endmacro -%}

{#- Columns of one day's cuts side by side, so that a customer is compared with all of them without a join a cut. -#}
{%- macro pivoted_rfm_cuts() -%}
    {%- for letter, measure in rfm_measures().items() -%}
        {%- for number in rfm_cut_numbers() -%}
            max(cut_numerator) filter (
                where purpose = 'score' and measure = '{{ measure }}' and cut_number = {{ number }}
            ) as {{ letter }}_cut_{{ number }},
        {% endfor -%}
        max(cut_denominator) filter (where purpose = 'score' and measure = '{{ measure }}') as {{ letter }}_denominator,
        max(cut_numerator) filter (where purpose = 'type' and measure = '{{ measure }}') as {{ letter }}_type_numerator,
        max(cut_denominator) filter (where purpose = 'type' and measure = '{{ measure }}') as {{ letter }}_type_denominator
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#-
    1 + the number of cuts that the value lies above. A quantile cut belongs to the bin below it (only values strictly
    above it pass); a threshold, mean or median belongs to the bin above it.
-#}
{%- macro rfm_score_of(letter) -%}
    1
    {%- for number in rfm_cut_numbers() %}
        + case
            when rfm_method = 'quantile' and {{ letter }}_cut_{{ number }} < {{ letter }}_value then 1
            when
                rfm_method <> 'quantile'
                and {{ letter }}_cut_{{ number }} <= {{ letter }}_value * {{ letter }}_denominator
                then 1
            else 0
        end
    {%- endfor -%}
{%- endmacro -%}

{#- Whether the value is at least the mean (or median) that parts high from low in the eight types. -#}
{%- macro is_rfm_high(letter) -%}
    {{ letter }}_value * {{ letter }}_type_denominator >= {{ letter }}_type_numerator
{%- endmacro -%}
