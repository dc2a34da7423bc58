{{ config(materialized='view') }}

{#- A view: the curves of one month end ask for that month end alone. -#}

with plans as (

    select * from {{ ref('int_fits_planned') }}
    where is_reference

),

order_days as (

    select
        customer_id,
        business_day,
        min(business_day) over (partition by customer_id) as first_order_on
    from {{ ref('int_customer_days') }}
    where order_count > 0

),

final as (

    select
        plans.as_of_date as reference_on,
        order_days.business_day,
        count(*) as repeats
    from plans
    inner join order_days
        on
            plans.fitted_on >= order_days.first_order_on
            and order_days.business_day <= {{ days_before('plans.as_of_date', -90) }}
    where order_days.business_day > order_days.first_order_on
    group by plans.as_of_date, order_days.business_day

)

select * from final
