{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['source', 'order_id'],
        on_schema_change='fail'
    )
}}

with landed as {{ inlined() }} (

    select * from {{ source('landing', 'orders') }}
    {% if is_incremental() %}
        where batch_sequence > (select coalesce(max(batch_sequence), 0) from {{ this }})
    {% endif %}

),

candidates as {{ inlined() }} (

    select
        source,
        order_id,
        customer_ref,
        ordered_at,
        status,
        gross_amount,
        discount_amount,
        cost_amount,
        currency,
        channel,
        region,
        refund_amount,
        refunded_at,
        updated_at,
        batch_id,
        batch_sequence,
        landed_at,
        source_file,
        row_number,
        is_deleted
    from landed
    {% if is_incremental() %}
        union all
        select
            current_version.source,
            current_version.order_id,
            current_version.customer_ref,
            current_version.ordered_at,
            current_version.status,
            current_version.gross_amount,
            current_version.discount_amount,
            current_version.cost_amount,
            current_version.currency,
            current_version.channel,
            current_version.region,
            current_version.refund_amount,
            current_version.refunded_at,
            current_version.updated_at,
            current_version.batch_id,
            current_version.batch_sequence,
            current_version.landed_at,
            current_version.source_file,
            current_version.row_number,
            current_version.is_deleted
        from {{ this }} as current_version
        where exists (
            select 1
            from landed
            where landed.source = current_version.source and landed.order_id = current_version.order_id
        )
    {% endif %}

),

newest as (

    {{ newest_version_of_many('candidates', ['source', 'order_id'], newest_updated()) }}

),

final as (

    select
        source,
        order_id,
        customer_ref,
        ordered_at,
        {{ business_day('ordered_at') }} as ordered_on,
        status,
        gross_amount,
        discount_amount,
        cost_amount,
        currency,
        channel,
        region,
        refund_amount,
        refunded_at,
        updated_at,
        batch_id,
        batch_sequence,
        landed_at,
        source_file,
        row_number,
        is_deleted
    from newest

)

select * from final
