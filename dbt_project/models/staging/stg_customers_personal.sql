with landed as (

    select * from {{ source('landing', 'customers_personal') }}

),

newest as (

    {{ newest_version('landed', ['source', 'customer_ref']) }}

),

final as (

    select
        source,
        customer_ref,
        name,
        phone,
        email,
        wechat_id,
        batch_sequence,
        row_number
    from newest

)

select * from final
