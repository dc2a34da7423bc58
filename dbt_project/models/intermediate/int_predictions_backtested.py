"""How predictions and simple rules did at the month ends of a run; judged by dagster_project.prediction."""


def model(dbt, session):
    dbt.config(materialized="table")
    from dagster_project.prediction.proof import backtest_days

    return backtest_days(
        dbt.ref("int_fits_planned"), dbt.ref("int_customers_predicted"), dbt.ref("int_histories_observed")
    )
