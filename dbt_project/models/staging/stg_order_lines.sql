{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['source', 'order_id'],
        on_schema_change='fail'
    )
}}

{#- The lines of an order are replaced whole: a newer batch that holds any line of it holds all of them. -#}

with landed as (

    select * from {{ source('landing', 'order_lines') }}
    {% if is_incremental() %}
        where batch_sequence > (select coalesce(max(batch_sequence), 0) from {{ this }})
    {% endif %}

),

newest_batches as (

    select
        source,
        order_id,
        max(batch_sequence) as batch_sequence
    from landed
    group by source, order_id

),

lines as (

    select landed.*
    from landed
    inner join newest_batches
        on
            landed.source = newest_batches.source
            and landed.order_id = newest_batches.order_id
            and landed.batch_sequence = newest_batches.batch_sequence

),

newest as (

    {{ newest_version('lines', ['source', 'order_id', 'line_number'], ['row_number desc']) }}

),

final as (

    select
        source,
        order_id,
        line_number,
        product_id,
        category,
        quantity,
        unit_price,
        discount_amount,
        line_amount,
        batch_id,
        batch_sequence,
        landed_at,
        source_file,
        row_number,
        is_deleted
    from newest

)

select * from final
