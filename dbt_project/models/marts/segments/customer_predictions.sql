{#- The contract of what the purchase models publish. No purchase model is fitted yet: no rows. -#}

with final as (

    select
        cast(null as date) as as_of_date,
        cast(null as bigint) as customer_id,
        cast(null as decimal(9, 6)) as probability_alive,
        cast(null as decimal(18, 6)) as expected_purchases_90d,
        cast(null as decimal(18, 6)) as expected_value_90d,
        cast(null as decimal(18, 6)) as expected_value_365d,
        cast(null as date) as expected_next_order_on,
        cast(null as varchar) as model
    where false

)

select * from final
