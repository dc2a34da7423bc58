with plans as (

    select * from {{ ref('int_fits_planned') }}
    where is_requested

),

fits as (

    select * from {{ ref('int_purchase_models_fitted') }}

),

final as (

    select
        plans.as_of_date,
        fits.part,
        plans.standard_version,
        fits.model,
        plans.fitted_on,
        fits.parameters_version,
        fits.refused_reason,
        fits.customers,
        fits.repeat_customers,
        fits.observations,
        cast(fits.log_likelihood as decimal(28, 6)) as log_likelihood,
        fits.at_bound,
        {{ written_out('fits.r') }} as r,
        {{ written_out('fits.r_error') }} as r_error,
        {{ written_out('fits.alpha') }} as alpha,
        {{ written_out('fits.alpha_error') }} as alpha_error,
        {{ written_out('fits.a') }} as a,
        {{ written_out('fits.a_error') }} as a_error,
        {{ written_out('fits.b') }} as b,
        {{ written_out('fits.b_error') }} as b_error,
        {{ written_out('fits.s') }} as s,
        {{ written_out('fits.s_error') }} as s_error,
        {{ written_out('fits.beta') }} as beta,
        {{ written_out('fits.beta_error') }} as beta_error,
        {{ written_out('fits.p') }} as p,
        {{ written_out('fits.p_error') }} as p_error,
        {{ written_out('fits.q') }} as q,
        {{ written_out('fits.q_error') }} as q_error,
        {{ written_out('fits.gamma') }} as gamma,
        {{ written_out('fits.gamma_error') }} as gamma_error
    from plans
    inner join fits
        on plans.fitted_on = fits.fitted_on and plans.standard_version = fits.standard_version

)

select * from final
order by as_of_date, part
