with predictions as (

    select * from {{ ref('int_customers_predicted') }}
    where is_requested

),

final as (

    select
        as_of_date,
        customer_id,
        standard_version,
        probability_alive,
        expected_purchases_90d,
        expected_order_value,
        expected_value_90d,
        expected_value_365d,
        expected_next_order_on,
        model,
        fitted_on,
        parameters_version,
        missing_reason
    from predictions

)

select * from final
order by as_of_date, customer_id
