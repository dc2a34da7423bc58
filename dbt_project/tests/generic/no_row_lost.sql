{#-
    Of each day of this run that has not passed there are as many rows as requested ones in `of`, from which joins made
    them.
-#}
{% test no_row_lost(model, of) %}

    with requested as (

        select
            as_of_date,
            count(*) as row_count
        from {{ of }}
        where is_requested and as_of_date not in (select as_of_date from {{ source('audit', 'checked_days') }})
        group by as_of_date

    ),

    made as (

        select
            as_of_date,
            count(*) as row_count
        from {{ model }}
        group by as_of_date

    )

    select
        requested.as_of_date,
        requested.row_count as rows_requested,
        made.row_count as rows_made
    from requested
    left join made on requested.as_of_date = made.as_of_date
    where requested.row_count is distinct from made.row_count

{% endtest %}
