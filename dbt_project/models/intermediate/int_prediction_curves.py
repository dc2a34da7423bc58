"""The fitted models beside what customers did, as sums over all of them; drawn by dagster_project.prediction."""


def model(dbt, session):
    dbt.config(materialized="table")
    from dagster_project.prediction.proof import draw_curves

    return draw_curves(
        dbt.ref("int_fits_planned"),
        dbt.ref("int_purchase_models_fitted"),
        dbt.ref("int_histories_measured"),
        dbt.ref("int_repeats_counted"),
    )
