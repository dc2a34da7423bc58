with fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}

),

placed as (

    select * from {{ ref('int_matrices_placed') }}

),

own as (

    select * from {{ ref('int_own_dimensions_decided') }}

),

{#- Who shares a fingerprint shares the classes, so that those of one customer a day are enough. -#}
examples as (

    select
        other_fingerprint,
        as_of_date,
        min(customer_id) as customer_id
    from fingerprints
    where other_fingerprint is not null
    group by other_fingerprint, as_of_date

),

classes as (

    select
        examples.other_fingerprint,
        placed.matrix as dimension,
        placed.quadrant as class
    from examples
    inner join placed on examples.as_of_date = placed.as_of_date and examples.customer_id = placed.customer_id
    union all
    select
        examples.other_fingerprint,
        own.dimension,
        own.class
    from examples
    inner join own on examples.as_of_date = own.as_of_date and examples.customer_id = own.customer_id

),

final as (

    select distinct
        other_fingerprint,
        dimension,
        class
    from classes

)

select * from final
