with migration as (

    select * from {{ ref('segment_migration') }}
    where as_of_date in (select as_of_date from {{ source('control', 'as_of_days') }} where is_requested)

),

standards as (

    select * from {{ source('control', 'standards') }}

),

sides as (

    select
        as_of_date,
        dimension,
        class_from as class,
        customers as customers_before,
        0 as customers_now
    from migration
    where class_from <> 'absent'
    union all
    select
        as_of_date,
        dimension,
        class_to as class,
        0 as customers_before,
        customers as customers_now
    from migration
    where class_to <> 'absent'

),

classes as (

    select
        as_of_date,
        dimension,
        class,
        sum(customers_before) as customers_before,
        sum(customers_now) as customers_now
    from sides
    group by as_of_date, dimension, class

),

totals as (

    select
        as_of_date,
        dimension,
        nullif(sum(customers_before), 0) as customers_before,
        nullif(sum(customers_now), 0) as customers_now
    from classes
    group by as_of_date, dimension

),

shares as (

    select
        classes.as_of_date,
        classes.dimension,
        greatest(cast(classes.customers_before as double) / totals.customers_before, 0.0001) as share_before,
        greatest(cast(classes.customers_now as double) / totals.customers_now, 0.0001) as share_now,
        totals.customers_before is not null and totals.customers_now is not null as is_known
    from classes
    inner join totals on classes.as_of_date = totals.as_of_date and classes.dimension = totals.dimension

),

{#- Each term is rounded before it is summed: a sum of doubles would depend on the order of the classes. -#}
indexes as (

    select
        as_of_date,
        dimension,
        sum(cast(
            round((share_now - share_before) * ln(share_now / share_before), 12) as decimal(24, 12)
        )) filter (where is_known) as stability_index
    from shares
    group by as_of_date, dimension

),

compared as (

    select distinct
        as_of_date,
        compared_on,
        standard_version,
        dimension,
        is_standard_change
    from migration

),

indexed as (

    select
        compared.as_of_date,
        compared.compared_on,
        compared.standard_version,
        compared.dimension,
        compared.is_standard_change,
        cast(round(indexes.stability_index, 6) as decimal(18, 6)) as stability_index
    from compared
    inner join indexes on compared.as_of_date = indexes.as_of_date and compared.dimension = indexes.dimension

),

final as (

    select
        indexed.as_of_date,
        indexed.compared_on,
        indexed.standard_version,
        indexed.dimension,
        indexed.stability_index,
        case
            when indexed.is_standard_change then 'steady'
            when indexed.stability_index >= standards.stability_fail then 'fail'
            when indexed.stability_index >= standards.stability_warn then 'warn'
            else 'steady'
        end as verdict,
        indexed.is_standard_change
    from indexed
    inner join standards on indexed.standard_version = standards.standard_version

)

select * from final
order by as_of_date, dimension
