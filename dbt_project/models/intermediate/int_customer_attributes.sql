{{ config(materialized='view') }}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_classified

),

records as (

    select * from {{ ref('int_customer_records_merged') }}

),

final as (

    select
        as_of_days.as_of_date,
        records.customer_id,
        {{ attribute_columns('records') }},
        records.competitor_closeness,
        records.do_not_contact,
        records.is_phone_valid,
        records.is_email_valid,
        records.is_wechat_valid
    from as_of_days
    inner join records
        on as_of_days.as_of_date >= records.valid_from and as_of_days.as_of_date < records.valid_to

)

select * from final
