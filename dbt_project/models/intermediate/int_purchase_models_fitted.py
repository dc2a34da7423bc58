"""The fits of a run; the models and what they refuse are dagster_project.prediction's."""


def model(dbt, session):
    dbt.config(materialized="table")
    from dagster_project.prediction.days import fit_days

    return fit_days(dbt.ref("int_fits_planned"), dbt.ref("int_histories_measured"))
