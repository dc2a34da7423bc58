{{
    config(
        incremental_strategy='delete+insert',
        unique_key=['customer_id', 'dimension', 'valid_from'],
        full_refresh=false,
        meta={'is_dated': false, 'by_customers': true},
        post_hook=["delete from {{ this }} where class is null", "{{ note_history_days() }}"]
    )
}}

{#-
    What a customer's class is from one computed day to the next is a step over time. A run replaces the steps from each
    of its days to the computed day that follows, and leaves the others as they are; so the history depends on the days
    that were computed and their classes alone, and not on the runs that computed them. Customers whose classes the
    history has already, which is most, are found by their fingerprints and left alone, and of the others only those
    rows are written that change. A row without a class stands for a row of the history that is no more: it replaces
    that and is deleted in the same transaction.
-#}

{%- set dimensions = class_columns() -%}
{%- set carried = dimensions + ['other_fingerprint'] -%}
{%- set for_good = "date '9999-12-31'" -%}

with requested_days as (

    select * from {{ ref('int_requested_days_grouped') }}

),

changes as (

    select * from {{ ref('int_class_changes_found') }}
    where {{ of_these_customers() }}

),

history_days as (

    select * from {{ source('control', 'history_days') }}

),

history as (

    {% if is_incremental() -%}
        select
            customer_id,
            dimension,
            class,
            valid_from,
            coalesce(valid_to, {{ for_good }}) as valid_until,
            standard_version
        from {{ this }}
        where {{ of_these_customers() }}
    {%- else -%}
        select
            cast(null as bigint) as customer_id,
            cast(null as varchar) as dimension,
            cast(null as varchar) as class,
            cast(null as date) as valid_from,
            cast(null as date) as valid_until,
            cast(null as varchar) as standard_version
        where false
    {%- endif %}

),

classified as (

    select * from {{ ref('int_customers_classified') }}
    where is_requested and {{ of_these_customers() }}

),

fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}
    where is_requested and {{ of_these_customers() }}

),

other_classes as (

    select * from {{ ref('int_other_classes_fingerprinted') }}

),

stretches as (

    select distinct
        stretch,
        stretch_starts_on as starts_on,
        stretch_ends_on as ends_on
    from requested_days

),

kept_stretches as (

    select
        lag(ends_on, 1, date '0001-01-01') over (order by starts_on) as starts_on,
        starts_on as ends_on
    from stretches
    union all
    select
        max(ends_on) as starts_on,
        {{ for_good }} as ends_on
    from stretches

),

known_fingerprints as (

    select
        dimension,
        class,
        {{ class_fingerprint('dimension', 'class') }} as fingerprint
    from history
    group by dimension, class

),

{#- Who is not as the history has it on the first day of a stretch. -#}
starts_known as (

    select
        stretches.starts_on as as_of_date,
        history.customer_id,
        sum(known_fingerprints.fingerprint) as fingerprint
    from stretches
    inner join history on stretches.starts_on >= history.valid_from and stretches.starts_on < history.valid_until
    inner join known_fingerprints
        on history.dimension = known_fingerprints.dimension and history.class = known_fingerprints.class
    group by stretches.starts_on, history.customer_id

),

starts_found as (

    select
        fingerprints.as_of_date,
        fingerprints.customer_id,
        fingerprints.fingerprint
    from stretches
    inner join fingerprints on stretches.starts_on = fingerprints.as_of_date

),

touched as (

    select coalesce(starts_found.customer_id, starts_known.customer_id) as customer_id
    from starts_found
    full join starts_known
        on starts_found.as_of_date = starts_known.as_of_date and starts_found.customer_id = starts_known.customer_id
    where starts_found.fingerprint is distinct from starts_known.fingerprint
    union
    select customer_id
    from changes
    union
    select customer_id
    from history
    where
        valid_from in (select as_of_date from requested_days where previous_on is not null)
        or valid_until in (select as_of_date from requested_days where previous_on is not null)

),

customers_changing as (

    select distinct
        customer_id,
        stretch
    from changes

),

{#- Their classes on the first day of each stretch and on each day on which they change. -#}
events as (

    select
        touched.customer_id,
        stretches.stretch,
        stretches.starts_on as as_of_date,
        customers_changing.customer_id is not null as is_changing
    from touched
    cross join stretches
    left join customers_changing
        on touched.customer_id = customers_changing.customer_id and stretches.stretch = customers_changing.stretch
    union all
    select
        customer_id,
        stretch,
        as_of_date,
        true as is_changing
    from changes

),

events_classified as (

    select
        events.customer_id,
        events.stretch,
        events.as_of_date,
        events.is_changing,
        {% for column in carried -%}
            {{ 'fingerprints' if column in ('cluster', 'other_fingerprint') else 'classified' }}.{{ column }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events
    left join classified
        on events.as_of_date = classified.as_of_date and events.customer_id = classified.customer_id
    left join fingerprints
        on events.as_of_date = fingerprints.as_of_date and events.customer_id = fingerprints.customer_id

),

events_compared as (

    select
        customer_id,
        stretch,
        as_of_date,
        {% for column in carried -%}
            {{ column }},
            lag({{ column }}) over (partition by customer_id, stretch order by as_of_date) as {{ column }}_before
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events_classified
    where is_changing

),

{#- In a stretch of one day nobody changes, so that nothing is sorted. -#}
events_spanned as (

    select
        customer_id,
        stretch,
        as_of_date,
        true as is_changing,
        {% for column in carried -%}
            {{ column }},
            {{ column }}_before,
            lead(case when {{ column }} is distinct from {{ column }}_before then as_of_date end ignore nulls) over (
                partition by customer_id, stretch
                order by as_of_date
            ) as {{ column }}_until
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events_compared
    union all
    select
        customer_id,
        stretch,
        as_of_date,
        false as is_changing,
        {% for column in carried -%}
            {{ column }},
            null as {{ column }}_before,
            null as {{ column }}_until
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events_classified
    where not is_changing

),

fingerprint_changes as (

    select distinct
        other_fingerprint_before,
        other_fingerprint
    from events_spanned
    where other_fingerprint is distinct from other_fingerprint_before

),

other_sides as (

    select
        fingerprint_changes.other_fingerprint_before,
        fingerprint_changes.other_fingerprint,
        other_classes.dimension,
        other_classes.class as class_before,
        null as class
    from fingerprint_changes
    inner join other_classes on fingerprint_changes.other_fingerprint_before = other_classes.other_fingerprint
    union all
    select
        fingerprint_changes.other_fingerprint_before,
        fingerprint_changes.other_fingerprint,
        other_classes.dimension,
        null as class_before,
        other_classes.class
    from fingerprint_changes
    inner join other_classes on fingerprint_changes.other_fingerprint = other_classes.other_fingerprint

),

other_changes as (

    select
        other_fingerprint_before,
        other_fingerprint,
        dimension,
        max(class) as class
    from other_sides
    group by other_fingerprint_before, other_fingerprint, dimension
    having max(class) is distinct from max(class_before)

),

other_events as (

    select
        events_spanned.customer_id,
        events_spanned.stretch,
        other_changes.dimension,
        other_changes.class,
        events_spanned.as_of_date as starts_on,
        events_spanned.is_changing
    from events_spanned
    inner join other_changes
        on
            events_spanned.other_fingerprint is not distinct from other_changes.other_fingerprint
            and events_spanned.other_fingerprint_before is not distinct from other_changes.other_fingerprint_before

),

class_events as (

    {% for dimension in dimensions -%}
        select
            customer_id,
            stretch,
            '{{ dimension }}' as dimension,
            {{ dimension }} as class,
            as_of_date as starts_on,
            {{ dimension }}_until as ends_on
        from events_spanned
        where {{ dimension }} is distinct from {{ dimension }}_before
        union all
    {% endfor -%}
    select
        customer_id,
        stretch,
        dimension,
        class,
        starts_on,
        lead(starts_on) over (partition by customer_id, stretch, dimension order by starts_on) as ends_on
    from other_events
    where is_changing
    union all
    select
        customer_id,
        stretch,
        dimension,
        class,
        starts_on,
        null as ends_on
    from other_events
    where not is_changing

),

{#- An inner step does not reach an edge of its stretch, so that it cannot go on beyond: it is a row of the history. -#}
steps_found as (

    select
        class_events.customer_id,
        class_events.dimension,
        class_events.class,
        class_events.starts_on,
        coalesce(class_events.ends_on, stretches.ends_on) as ends_on,
        class_events.starts_on > stretches.starts_on
        and (class_events.ends_on is not null or stretches.ends_on = {{ for_good }}) as is_inner
    from class_events
    inner join stretches on class_events.stretch = stretches.stretch
    where class_events.class is not null

),

{#- The history of the same customers as far as it lies in a stretch or meets one. -#}
past_rows as (

    select
        history.customer_id,
        history.dimension,
        history.class,
        history.valid_from,
        history.valid_until
    from history
    inner join touched on history.customer_id = touched.customer_id
    where exists (
        select 1
        from stretches
        where history.valid_from <= stretches.ends_on and history.valid_until >= stretches.starts_on
    )

),

{#- Cut where the stretches begin and end: what a run replaces, and what it keeps. -#}
steps_known as (

    select
        past_rows.customer_id,
        past_rows.dimension,
        past_rows.class,
        greatest(past_rows.valid_from, stretches.starts_on) as starts_on,
        least(past_rows.valid_until, stretches.ends_on) as ends_on,
        past_rows.valid_from > stretches.starts_on
        and (past_rows.valid_until < stretches.ends_on or stretches.ends_on = {{ for_good }}) as is_inner
    from past_rows
    inner join stretches
        on past_rows.valid_from < stretches.ends_on and past_rows.valid_until > stretches.starts_on

),

steps_kept as (

    select
        past_rows.customer_id,
        past_rows.dimension,
        past_rows.class,
        greatest(past_rows.valid_from, kept_stretches.starts_on) as starts_on,
        least(past_rows.valid_until, kept_stretches.ends_on) as ends_on
    from past_rows
    inner join kept_stretches
        on
            past_rows.valid_from < kept_stretches.ends_on
            and past_rows.valid_until > kept_stretches.starts_on

),

{% for found, (steps, others) in {
    'steps_new': ('steps_found', 'steps_known'), 'steps_gone': ('steps_known', 'steps_found')
}.items() -%}
    {{ found }} as (

        select
            {{ steps }}.customer_id,
            {{ steps }}.dimension,
            {{ steps }}.class,
            {{ steps }}.starts_on,
            {{ steps }}.ends_on,
            {{ steps }}.is_inner
        from {{ steps }}
        left join {{ others }}
            on
                {{ steps }}.customer_id = {{ others }}.customer_id
                and {{ steps }}.dimension = {{ others }}.dimension
                and {{ steps }}.starts_on = {{ others }}.starts_on
                and {{ steps }}.ends_on = {{ others }}.ends_on
                and {{ steps }}.class = {{ others }}.class
        where {{ others }}.customer_id is null

    ),

{% endfor -%}

{#- Where a step at an edge changes, it is joined anew to what is kept beyond the edge. -#}
keys_at_edges as (

    select
        customer_id,
        dimension
    from steps_new
    where not is_inner
    union
    select
        customer_id,
        dimension
    from steps_gone
    where not is_inner

),

edge_steps as (

    select
        edges.customer_id,
        edges.dimension,
        edges.class,
        edges.starts_on,
        edges.ends_on
    from (
        select
            customer_id,
            dimension,
            class,
            starts_on,
            ends_on
        from steps_found
        where not is_inner
        union all
        select
            customer_id,
            dimension,
            class,
            starts_on,
            ends_on
        from steps_kept
    ) as edges
    inner join keys_at_edges
        on edges.customer_id = keys_at_edges.customer_id and edges.dimension = keys_at_edges.dimension

),

{#- Steps of one class of which one ends where the other begins. They are few: a change parts classes. -#}
joints as (

    select
        earlier.customer_id,
        earlier.dimension,
        earlier.starts_on as earlier_starts_on,
        later.starts_on as later_starts_on
    from edge_steps as earlier
    inner join edge_steps as later
        on
            earlier.customer_id = later.customer_id
            and earlier.dimension = later.dimension
            and earlier.class = later.class
            and earlier.ends_on = later.starts_on

),

joined_steps as (

    select
        customer_id,
        dimension,
        earlier_starts_on as starts_on
    from joints
    union
    select
        customer_id,
        dimension,
        later_starts_on as starts_on
    from joints

),

parted_steps as (

    select
        edge_steps.customer_id,
        edge_steps.dimension,
        edge_steps.class,
        edge_steps.starts_on,
        edge_steps.ends_on,
        joined_steps.customer_id is not null as is_joined
    from edge_steps
    left join joined_steps
        on
            edge_steps.customer_id = joined_steps.customer_id
            and edge_steps.dimension = joined_steps.dimension
            and edge_steps.starts_on = joined_steps.starts_on

),

joined_in_turn as (

    select
        customer_id,
        dimension,
        class,
        starts_on,
        ends_on,
        case
            when
                class = lag(class) over (partition by customer_id, dimension order by starts_on)
                and starts_on = lag(ends_on) over (partition by customer_id, dimension order by starts_on)
                then 0
            else 1
        end as is_new
    from parted_steps
    where is_joined

),

joined_numbered as (

    select
        customer_id,
        dimension,
        class,
        starts_on,
        ends_on,
        sum(is_new) over (partition by customer_id, dimension order by starts_on) as joined_number
    from joined_in_turn

),

rows_wanted as (

    select
        customer_id,
        dimension,
        class,
        min(starts_on) as valid_from,
        max(ends_on) as valid_until
    from joined_numbered
    group by customer_id, dimension, class, joined_number
    union all
    select
        customer_id,
        dimension,
        class,
        starts_on as valid_from,
        ends_on as valid_until
    from parted_steps
    where not is_joined
    union all
    select
        customer_id,
        dimension,
        class,
        starts_on as valid_from,
        ends_on as valid_until
    from steps_new
    where is_inner

),

rows_replaced as (

    select
        past_rows.customer_id,
        past_rows.dimension,
        past_rows.valid_from
    from past_rows
    inner join keys_at_edges
        on
            past_rows.customer_id = keys_at_edges.customer_id
            and past_rows.dimension = keys_at_edges.dimension
    where
        not exists (
            select 1
            from stretches
            where
                past_rows.valid_from > stretches.starts_on
                and past_rows.valid_from < stretches.ends_on
                and (past_rows.valid_until < stretches.ends_on or stretches.ends_on = {{ for_good }})
        )
    union all
    select
        customer_id,
        dimension,
        starts_on as valid_from
    from steps_gone
    where is_inner

),

rows_changed as (

    select
        rows_wanted.customer_id,
        rows_wanted.dimension,
        rows_wanted.class,
        rows_wanted.valid_from,
        rows_wanted.valid_until
    from rows_wanted
    left join past_rows
        on
            rows_wanted.customer_id = past_rows.customer_id
            and rows_wanted.dimension = past_rows.dimension
            and rows_wanted.valid_from = past_rows.valid_from
            and rows_wanted.valid_until = past_rows.valid_until
            and rows_wanted.class = past_rows.class
    where past_rows.customer_id is null
    union all
    select
        rows_replaced.customer_id,
        rows_replaced.dimension,
        null as class,
        rows_replaced.valid_from,
        null as valid_until
    from rows_replaced
    left join rows_wanted
        on
            rows_replaced.customer_id = rows_wanted.customer_id
            and rows_replaced.dimension = rows_wanted.dimension
            and rows_replaced.valid_from = rows_wanted.valid_from
    where rows_wanted.customer_id is null

),

{#- The day that a class began on is now classified by another standard, and the same. -#}
rows_of_another_standard as (

    select
        history.customer_id,
        history.dimension,
        history.class,
        history.valid_from,
        history.valid_until
    from history
    inner join requested_days on history.valid_from = requested_days.as_of_date
    left join rows_changed
        on
            history.customer_id = rows_changed.customer_id
            and history.dimension = rows_changed.dimension
            and history.valid_from = rows_changed.valid_from
    where history.standard_version <> requested_days.standard_version and rows_changed.customer_id is null

),

rows_written as (

    select
        customer_id,
        dimension,
        class,
        valid_from,
        valid_until
    from rows_changed
    union all
    select
        customer_id,
        dimension,
        class,
        valid_from,
        valid_until
    from rows_of_another_standard

),

final as (

    select
        rows_written.customer_id,
        rows_written.dimension,
        rows_written.class,
        rows_written.valid_from,
        nullif(rows_written.valid_until, {{ for_good }}) as valid_to,
        coalesce(requested_days.standard_version, history_days.standard_version) as standard_version
    from rows_written
    left join requested_days on rows_written.valid_from = requested_days.as_of_date
    left join history_days on rows_written.valid_from = history_days.as_of_date

)

select * from final
order by customer_id, dimension, valid_from
