-- A first run for a company that has orders and refunds, as short as DuckDB can say it, from the landed batches (files in
-- the variables `orders` and `refunds`) to what the snapshot of a day starts from: the same tables, columns and rows.
create schema staging;
create schema identity;
create schema intermediate;

create table staging.stg_orders as
select
    source, order_id, customer_ref, ordered_at, cast(timezone(getvariable('zone'), ordered_at) as date) as ordered_on, status,
    gross_amount, discount_amount, cost_amount, currency, channel, region, refund_amount, refunded_at, updated_at, batch_id,
    batch_sequence, landed_at, source_file, row_number, is_deleted
from read_parquet(getvariable('orders'))
qualify row_number() over (
    partition by source, order_id order by updated_at desc nulls last, batch_sequence desc, row_number desc
) = 1;

create temporary table stg_refunds as
from read_parquet(getvariable('refunds'))
qualify row_number() over (partition by source, refund_id order by batch_sequence desc, row_number desc) = 1;

create table identity.customer_aliases as
select source, customer_ref, row_number() over (order by first_batch, source, customer_ref) as registry_id,
    registry_id as customer_id
from (
    select source, customer_ref, min(batch_sequence) as first_batch
    from (
        select source, customer_ref, batch_sequence from staging.stg_orders
        union all
        select source, customer_ref, batch_sequence from stg_refunds
    )
    group by all
)
order by registry_id;

create table intermediate.int_customer_days as
with events as (
    select
        customer_id, ordered_on as business_day, 1 as order_count, gross_amount,
        coalesce(discount_amount, 0) as discount_amount,
        case when discount_amount > 0 then gross_amount else 0 end as discounted_gross_amount,
        cost_amount, case when cost_amount is null then 1 else 0 end as orders_without_cost, 0 as refund_amount
    from staging.stg_orders
    join identity.customer_aliases using (source, customer_ref)
    where status in ('completed', 'refunded') and not is_deleted
    union all
    select customer_id, cast(timezone(getvariable('zone'), refunded_at) as date), 0, 0, 0, 0, 0, 0, amount
    from stg_refunds
    join identity.customer_aliases using (source, customer_ref)
), days as (
    select
        customer_id, business_day, cast(sum(order_count) as integer) as order_count,
        cast(sum(gross_amount) as decimal(18, 2)) as gross_amount,
        cast(sum(discount_amount) as decimal(18, 2)) as discount_amount,
        cast(sum(discounted_gross_amount) as decimal(18, 2)) as discounted_gross_amount,
        cast(sum(cost_amount) as decimal(18, 2)) as cost_amount,
        cast(sum(orders_without_cost) as integer) as orders_without_cost,
        cast(sum(refund_amount) as decimal(18, 2)) as refund_amount
    from events
    group by customer_id, business_day
)
select
    *,
    case when order_count > 0 then max(case when order_count > 0 then business_day end) over (
        partition by customer_id order by business_day rows between unbounded preceding and 1 preceding
    ) end as previous_order_on,
    cast(business_day - previous_order_on as integer) as gap_days
from days
order by customer_id, business_day;

create table intermediate.int_customers_first_seen as
select customer_id, min(ordered_on) as first_seen_on
from staging.stg_orders
join identity.customer_aliases using (source, customer_ref)
where not is_deleted
group by customer_id
order by customer_id;

create table dim_customers as
select
    customer_id, 'unknown' as kind, 'unknown' as industry, 'unknown' as company_size, 'unknown' as region, 'unknown' as city,
    'unknown' as decision_role, 'unknown' as member_level, 'unknown' as owner, first_seen_on, false as is_do_not_contact,
    cast(reference_count as integer) as reference_count
from (select customer_id, count(*) as reference_count from identity.customer_aliases group by customer_id)
left join intermediate.int_customers_first_seen using (customer_id)
order by customer_id;

create table returned_by_band (
    silence_ratio_band integer, value_tier varchar, order_count_band integer, customers bigint, returned bigint
);

create table brought_by_class (
    snapshot_on date, dimension varchar, class varchar, customers bigint, repeat_customers bigint, next_revenue decimal(38, 2),
    rank_correlation double
);
