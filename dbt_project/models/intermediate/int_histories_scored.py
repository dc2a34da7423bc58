"""What the fitted models say of each distinct history; the models are dagster_project.prediction's."""


def model(dbt, session):
    dbt.config(materialized="table")
    from dagster_project.prediction.days import score_days

    return score_days(
        dbt.ref("int_fits_planned"), dbt.ref("int_purchase_models_fitted"), dbt.ref("int_customers_measured")
    )
