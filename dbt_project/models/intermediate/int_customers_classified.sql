with final as (

    select
        cast(null as date) as as_of_date,
        cast(null as bigint) as customer_id,
        cast(null as varchar) as standard_version,
        cast(null as boolean) as is_requested,
        cast(null as varchar) as region,
        cast(null as varchar) as top_channel,
        cast(null as varchar) as industry,
        cast(null as varchar) as owner,
        cast(null as decimal(18, 2)) as revenue_window,
        cast(null as varchar) as lifecycle_stage,
        cast(null as varchar) as value_tier,
        cast(null as varchar) as rfm_segment,
        cast(null as varchar) as rfm_type,
        cast(null as varchar) as need_clarity,
        cast(null as varchar) as need_type,
        cast(null as varchar) as need_motive,
        cast(null as varchar) as cluster
    where false

)

select * from final
