"""What the means of cells foretell of each customer; the cells are dagster_project.prediction's."""


def model(dbt, session):
    dbt.config(materialized="table")
    from dagster_project.prediction.proof import predict_by_cells

    return predict_by_cells(dbt.ref("int_fits_planned"), dbt.ref("int_histories_observed"))
