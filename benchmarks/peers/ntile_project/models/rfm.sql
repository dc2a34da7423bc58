with orders as (

    select * from read_parquet('{{ env_var("NTILE_ORDERS") }}')
    where status = 'completed'

),

measures as (

    select
        customer_id,
        date_sub('day', max(ordered_at), (select max(ordered_at) from orders) + interval 1 day) as recency,
        count(*) as frequency,
        sum(amount) as monetary
    from orders
    group by customer_id

),

scored as (

    select
        *,
        ntile(5) over (order by recency desc) as r_score,
        ntile(5) over (order by frequency) as f_score,
        ntile(5) over (order by monetary) as m_score
    from measures

)

select
    *,
    case
        when r_score <= 2 and f_score <= 2 then 'hibernating'
        when r_score <= 2 and f_score <= 4 then 'at_risk'
        when r_score <= 2 then 'cannot_lose_them'
        when r_score = 3 and f_score <= 2 then 'about_to_sleep'
        when r_score = 3 and f_score = 3 then 'need_attention'
        when r_score <= 4 and f_score >= 4 then 'loyal_customers'
        when r_score = 4 and f_score = 1 then 'promising'
        when f_score = 1 then 'new_customers'
        when f_score <= 3 then 'potential_loyalists'
        else 'champions'
    end as segment
from scored
