{#-
    What a customer's records say together, over spans of days in which it stays the same. A day joins these on one
    customer and a span, where taking the newest version of every customer again for each day took as many passes.
-#}

with versions as {{ inlined() }} (

    select * from {{ ref('int_customer_versions') }}

),

bounds as (

    select
        customer_id,
        valid_from
    from versions
    union
    select
        customer_id,
        valid_to as valid_from
    from versions

),

spans as (

    select
        customer_id,
        valid_from,
        lead(valid_from) over (partition by customer_id order by valid_from) as valid_to
    from bounds

),

final as (

    select
        spans.customer_id,
        spans.valid_from,
        spans.valid_to,
        {{ newest_known_attributes('versions') }},
        {{ newest_known('versions.competitor_closeness', 'versions.precedence') }} as competitor_closeness,
        bool_or(versions.do_not_contact) as do_not_contact,
        bool_or(versions.is_phone_valid) as is_phone_valid,
        bool_or(versions.is_email_valid) as is_email_valid,
        bool_or(versions.is_wechat_valid) as is_wechat_valid
    from spans
    inner join versions
        on
            spans.customer_id = versions.customer_id
            and spans.valid_from >= versions.valid_from
            and spans.valid_from < versions.valid_to
    group by spans.customer_id, spans.valid_from, spans.valid_to

)

select * from final
order by customer_id, valid_from
