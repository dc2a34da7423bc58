{{
    config(
        incremental_strategy='delete+insert',
        unique_key=['customer_id', 'dimension'],
        full_refresh=false,
        meta={'is_dated': false},
        pre_hook="{{ forget_history_days() }}",
        post_hook=["delete from {{ this }} where class is null", "{{ note_history_days() }}"]
    )
}}

{#-
    What a customer's class is from one computed day to the next is a step over time. A run replaces the steps from each
    of its days to the computed day that follows, and leaves the others as they are; so the history depends on the days
    that were computed and their classes alone, and not on the runs that computed them. Customers whose classes the
    history has already, which is most, are found by their fingerprints and left alone. A row without a class stands for
    a customer and dimension that have no history any more: it replaces theirs and is deleted in the same transaction.
-#}

{%- set dimensions = class_columns() -%}
{%- set for_good = "date '9999-12-31'" -%}

with as_of_days as (

    select * from {{ source('control', 'as_of_days') }}
    where is_requested

),

history_days as (

    select * from {{ source('control', 'history_days') }}
    {% if not is_incremental() -%}
        where false
    {%- endif %}

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
    where is_requested

),

fingerprints as (

    select * from {{ ref('int_customers_fingerprinted') }}
    where is_requested

),

other_classes as (

    select * from {{ ref('int_other_classes_fingerprinted') }}

),

days as (

    select
        as_of_date,
        standard_version,
        true as is_requested
    from as_of_days
    union all
    select
        as_of_date,
        standard_version,
        false as is_requested
    from history_days
    where as_of_date not in (select as_of_date from as_of_days)

),

days_in_turn as (

    select
        as_of_date,
        standard_version,
        is_requested,
        lag(as_of_date) over (order by as_of_date) as previous_on,
        coalesce(lag(is_requested) over (order by as_of_date), false) as is_previous_requested,
        coalesce(lead(as_of_date) over (order by as_of_date), {{ for_good }}) as next_on
    from days

),

{#- Requested days between which no other day was ever computed are one stretch. -#}
requested_days as (

    select
        as_of_date,
        standard_version,
        previous_on,
        is_previous_requested,
        next_on,
        sum(case when is_previous_requested then 0 else 1 end) over (order by as_of_date) as stretch
    from days_in_turn
    where is_requested

),

stretches as (

    select
        stretch,
        min(as_of_date) as starts_on,
        max(next_on) as ends_on
    from requested_days
    group by stretch

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
    from (
        select distinct
            dimension,
            class
        from history
    ) as known_classes

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

{#- Who changes between two days of a stretch. -#}
days_before as (

    select
        requested_days.as_of_date,
        fingerprints.customer_id,
        fingerprints.fingerprint
    from requested_days
    inner join fingerprints on requested_days.previous_on = fingerprints.as_of_date
    where requested_days.is_previous_requested

),

days_after as (

    select
        requested_days.as_of_date,
        fingerprints.customer_id,
        fingerprints.fingerprint
    from requested_days
    inner join fingerprints on requested_days.as_of_date = fingerprints.as_of_date
    where requested_days.is_previous_requested

),

changes as (

    select
        coalesce(days_after.customer_id, days_before.customer_id) as customer_id,
        coalesce(days_after.as_of_date, days_before.as_of_date) as as_of_date
    from days_after
    full join days_before
        on days_after.as_of_date = days_before.as_of_date and days_after.customer_id = days_before.customer_id
    where days_after.fingerprint is distinct from days_before.fingerprint

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
    select history.customer_id
    from history
    inner join requested_days on history.valid_from = requested_days.as_of_date
    where requested_days.is_previous_requested or history.standard_version <> requested_days.standard_version
    union
    select history.customer_id
    from history
    inner join requested_days on history.valid_until = requested_days.as_of_date
    where requested_days.is_previous_requested

),

{#- Their classes on the first day of each stretch and on each day on which they change. -#}
events as (

    select
        touched.customer_id,
        stretches.stretch,
        stretches.starts_on as as_of_date
    from touched
    cross join stretches
    union all
    select
        changes.customer_id,
        requested_days.stretch,
        changes.as_of_date
    from changes
    inner join requested_days on changes.as_of_date = requested_days.as_of_date

),

events_classified as (

    select
        events.customer_id,
        events.stretch,
        events.as_of_date,
        {% for dimension in dimensions if dimension != 'cluster' -%}
            classified.{{ dimension }},
        {% endfor -%}
        fingerprints.cluster,
        fingerprints.other_fingerprint
    from events
    left join classified
        on events.as_of_date = classified.as_of_date and events.customer_id = classified.customer_id
    left join fingerprints
        on events.as_of_date = fingerprints.as_of_date and events.customer_id = fingerprints.customer_id

),

events_in_turn as (

    select
        customer_id,
        stretch,
        as_of_date,
        {% for column in dimensions + ['other_fingerprint'] -%}
            {{ column }},
            lag({{ column }}) over (partition by customer_id, stretch order by as_of_date) as {{ column }}_before
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from events_classified

),

fingerprint_changes as (

    select distinct
        other_fingerprint_before,
        other_fingerprint
    from events_in_turn
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

class_changes as (

    {% for dimension in dimensions -%}
        select
            customer_id,
            stretch,
            as_of_date,
            '{{ dimension }}' as dimension,
            {{ dimension }} as class
        from events_in_turn
        where {{ dimension }} is distinct from {{ dimension }}_before
        union all
    {% endfor -%}
    select
        events_in_turn.customer_id,
        events_in_turn.stretch,
        events_in_turn.as_of_date,
        other_changes.dimension,
        other_changes.class
    from events_in_turn
    inner join other_changes
        on
            events_in_turn.other_fingerprint is not distinct from other_changes.other_fingerprint
            and events_in_turn.other_fingerprint_before is not distinct from other_changes.other_fingerprint_before

),

class_changes_in_turn as (

    select
        customer_id,
        stretch,
        dimension,
        class,
        as_of_date as starts_on,
        lead(as_of_date) over (partition by customer_id, stretch, dimension order by as_of_date) as ends_on
    from class_changes

),

steps_found as (

    select
        class_changes_in_turn.customer_id,
        class_changes_in_turn.dimension,
        class_changes_in_turn.class,
        class_changes_in_turn.starts_on,
        coalesce(class_changes_in_turn.ends_on, stretches.ends_on) as ends_on
    from class_changes_in_turn
    inner join stretches on class_changes_in_turn.stretch = stretches.stretch
    where class_changes_in_turn.class is not null

),

{#- The history of the same customers, cut where the stretches begin and end: within them and outside of them. -#}
touched_history as (

    select
        history.customer_id,
        history.dimension,
        history.class,
        history.valid_from,
        history.valid_until,
        history.standard_version
    from history
    inner join touched on history.customer_id = touched.customer_id

),

{% for steps, spans in {'steps_known': 'stretches', 'steps_kept': 'kept_stretches'}.items() -%}
    {{ steps }} as (

        select
            touched_history.customer_id,
            touched_history.dimension,
            touched_history.class,
            greatest(touched_history.valid_from, {{ spans }}.starts_on) as starts_on,
            least(touched_history.valid_until, {{ spans }}.ends_on) as ends_on
        from touched_history
        inner join {{ spans }}
            on
                touched_history.valid_from < {{ spans }}.ends_on
                and touched_history.valid_until > {{ spans }}.starts_on

    ),

{% endfor -%}

steps_compared as (

    select
        customer_id,
        dimension,
        class,
        starts_on,
        ends_on
    from steps_found
    union all
    select
        customer_id,
        dimension,
        class,
        starts_on,
        ends_on
    from steps_known

),

keys_changed as (

    select
        customer_id,
        dimension
    from steps_compared
    group by customer_id, dimension, class, starts_on, ends_on
    having count(*) = 1
    union
    select
        touched_history.customer_id,
        touched_history.dimension
    from touched_history
    inner join requested_days on touched_history.valid_from = requested_days.as_of_date
    where touched_history.standard_version <> requested_days.standard_version

),

steps as (

    select
        steps_all.customer_id,
        steps_all.dimension,
        steps_all.class,
        steps_all.starts_on,
        steps_all.ends_on
    from (
        select
            customer_id,
            dimension,
            class,
            starts_on,
            ends_on
        from steps_found
        union all
        select
            customer_id,
            dimension,
            class,
            starts_on,
            ends_on
        from steps_kept
    ) as steps_all
    inner join keys_changed
        on steps_all.customer_id = keys_changed.customer_id and steps_all.dimension = keys_changed.dimension

),

steps_in_turn as (

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
    from steps

),

steps_numbered as (

    select
        customer_id,
        dimension,
        class,
        starts_on,
        ends_on,
        sum(is_new) over (partition by customer_id, dimension order by starts_on) as interval_number
    from steps_in_turn

),

intervals as (

    select
        customer_id,
        dimension,
        class,
        min(starts_on) as valid_from,
        max(ends_on) as valid_until
    from steps_numbered
    group by customer_id, dimension, class, interval_number

),

final as (

    select
        keys_changed.customer_id,
        keys_changed.dimension,
        intervals.class,
        intervals.valid_from,
        nullif(intervals.valid_until, {{ for_good }}) as valid_to,
        days.standard_version
    from keys_changed
    left join intervals
        on keys_changed.customer_id = intervals.customer_id and keys_changed.dimension = intervals.dimension
    left join days on intervals.valid_from = days.as_of_date

)

select * from final
order by customer_id, dimension, valid_from
