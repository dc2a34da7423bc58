with landed as (

    select * from {{ source('landing', 'customers_personal') }}

),

records as (

    select * from {{ source('landing', 'customers') }}

),

newest as (

    {{ newest_version('landed', ['source', 'customer_ref']) }}

),

final as (

    select
        newest.source,
        newest.customer_ref,
        newest.name,
        newest.phone,
        newest.email,
        newest.wechat_id,
        coalesce(records.is_phone_valid, false) as is_phone_valid,
        coalesce(records.is_email_valid, false) as is_email_valid,
        coalesce(records.is_wechat_valid, false) as is_wechat_valid,
        newest.batch_sequence,
        newest.row_number
    from newest
    left join records
        on
            newest.source = records.source
            and newest.customer_ref = records.customer_ref
            and newest.batch_sequence = records.batch_sequence
            and newest.row_number = records.row_number

)

select * from final
