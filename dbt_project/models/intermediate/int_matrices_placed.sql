{{ config(meta={'by_days': true}) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

scores as (

    select * from {{ ref('int_customer_scores') }}

),

cut_points as (

    select * from {{ ref('int_matrix_cut_points') }}

),

axes as (

    select * from {{ source('control', 'matrix_axes') }}

),

quadrants as (

    select * from {{ source('control', 'matrix_quadrants') }}

),

matrices as (

    select
        standard_version,
        matrix,
        max({{ axis_measure_number('measure') }}) filter (where axis = 'x') as x_measure,
        max({{ axis_measure_number('measure') }}) filter (where axis = 'y') as y_measure
    from axes
    group by standard_version, matrix

),

matrix_quadrants as (

    select
        standard_version,
        matrix,
        max(quadrant) filter (where is_x_high and is_y_high) as high_high,
        max(quadrant) filter (where is_x_high and not is_y_high) as high_low,
        max(quadrant) filter (where not is_x_high and is_y_high) as low_high,
        max(quadrant) filter (where not is_x_high and not is_y_high) as low_low
    from quadrants
    group by standard_version, matrix

),

cuts as (

    select
        as_of_date,
        matrix,
        max(cut_numerator) filter (where axis = 'x') as x_numerator,
        max(cut_denominator) filter (where axis = 'x') as x_denominator,
        max(cut_numerator) filter (where axis = 'y') as y_numerator,
        max(cut_denominator) filter (where axis = 'y') as y_denominator
    from cut_points
    group by as_of_date, matrix

),

measured as (

    select
        features.as_of_date,
        features.customer_id,
        features.standard_version,
        features.is_requested,
        {{ axis_measures_of('features', 'scores') }}
    from features
    inner join scores on features.as_of_date = scores.as_of_date and features.customer_id = scores.customer_id

),

valued as (

    select
        measured.as_of_date,
        measured.customer_id,
        measured.standard_version,
        measured.is_requested,
        matrices.matrix,
        {{ axis_value('matrices.x_measure') }} as x_value,
        {{ axis_value('matrices.y_measure') }} as y_value
    from measured
    inner join matrices on measured.standard_version = matrices.standard_version

),

compared as (

    select
        valued.as_of_date,
        valued.customer_id,
        valued.standard_version,
        valued.is_requested,
        valued.matrix,
        valued.x_value,
        valued.y_value,
        valued.x_value * cuts.x_denominator >= cuts.x_numerator as is_x_high,
        valued.y_value * cuts.y_denominator >= cuts.y_numerator as is_y_high
    from valued
    left join cuts on valued.as_of_date = cuts.as_of_date and valued.matrix = cuts.matrix

),

final as (

    select
        compared.as_of_date,
        compared.customer_id,
        compared.standard_version,
        compared.is_requested,
        compared.matrix,
        compared.x_value,
        compared.y_value,
        compared.is_x_high,
        compared.is_y_high,
        case
            when compared.is_x_high and compared.is_y_high then matrix_quadrants.high_high
            when compared.is_x_high and not compared.is_y_high then matrix_quadrants.high_low
            when not compared.is_x_high and compared.is_y_high then matrix_quadrants.low_high
            when not compared.is_x_high and not compared.is_y_high then matrix_quadrants.low_low
            else 'unknown'
        end as quadrant
    from compared
    inner join matrix_quadrants
        on
            compared.standard_version = matrix_quadrants.standard_version
            and compared.matrix = matrix_quadrants.matrix

)

select * from final
