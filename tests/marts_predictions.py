"""What the invented warehouse foretells of its customers, and how invented predictions of the past came true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

FEWEST_CUSTOMERS = 20  # of fewer nothing is foretold here
MONTH_ENDS = 3

# Errors of order days and revenue, rank correlation, revenue from the first tenth, wins: of the newest month end.
PREDICTORS = {
    "mbg_nbd": (-0.081, -0.124, 0.522, 0.412, 3),
    "last_90_days": (0.152, 0.263, 0.456, 0.401, 0),
    "recency": (None, None, 0.371, 0.262, 0),
    "rfm_cells": (-0.104, 0.098, 0.499, 0.365, 1),
}


def foretell(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """customer_predictions and purchase_model_fits of `day`: longer silent, less expected."""
    [[customers]] = con.execute(
        "select count(*) from marts.customer_segments where as_of_date = ? and order_count > 0", [day]
    ).fetchall()
    con.execute(
        """
        insert into marts.customer_predictions by name
        with foretold as (
            select
                as_of_date, customer_id, standard_version, average_order_value, recency_days, order_days, tenure_days,
                order_count > 0 and $is_enough as is_foretold,
                cast(30 / (30.0 + recency_days) as decimal(9, 6)) as alive,
                case
                    when order_count = 0 then 'no_order'
                    when not $is_enough then 'too_few_buyers'
                end as missing_reason
            from marts.customer_segments where as_of_date = $day
        ),
        expected as (
            select *, cast(alive * 90 * order_days / (60 + tenure_days) as decimal(18, 6)) as purchases from foretold
        )
        select
            as_of_date, customer_id, standard_version, missing_reason,
            case when is_foretold then alive end as probability_alive,
            case when is_foretold then cast(1 - exp(-purchases) as decimal(9, 6)) end as probability_order_90d,
            case when is_foretold then purchases end as raw_purchases_90d,
            case when is_foretold then cast(1.1 * purchases as decimal(18, 6)) end as expected_purchases_90d,
            case when is_foretold then average_order_value end as expected_order_value,
            case when is_foretold then cast(purchases * average_order_value as decimal(18, 6)) end as raw_value_90d,
            case when is_foretold then cast(1.2 * purchases * average_order_value as decimal(18, 6)) end
                as expected_value_90d,
            case when is_foretold then cast(3.5 * purchases * average_order_value as decimal(18, 6)) end
                as expected_value_365d,
            case when is_foretold then 1.1 else 1 end as purchases_correction,
            case when is_foretold then 1.2 else 1 end as value_correction,
            case when is_foretold then date '2017-09-30' end as corrected_from,
            case when is_foretold then 'mbg_nbd' end as model,
            date '2017-12-31' as fitted_on
        from expected
        """,
        {"day": day, "is_enough": customers >= FEWEST_CUSTOMERS},
    )


def hold_against(con: duckdb.DuckDBPyConnection, day: date, snapshots: Sequence[date]) -> None:
    """prediction_backtest, prediction_tenths and prediction_curves of `day`, where it foretells anything."""
    [[foretold]] = con.execute(
        "select count(*) from marts.customer_predictions where as_of_date = ? and model is not null", [day]
    ).fetchall()
    if not foretold:
        return
    for age, snapshot_on in enumerate(sorted(snapshots, reverse=True)[:MONTH_ENDS]):
        for predictor, (purchases, value, correlation, share, wins) in PREDICTORS.items():
            con.execute(
                """
                insert into marts.prediction_backtest by name
                select $day as evaluated_on, $snapshot as snapshot_on, $predictor as predictor,
                    $predictor = 'mbg_nbd' as is_published, 1000 as customers, 800 as actual_purchases,
                    80000 as actual_value, $purchases - 0.01 * $age as purchases_error,
                    $value - 0.02 * $age as value_error, $correlation - 0.01 * $age as rank_correlation,
                    $share - 0.02 * $age as top_tenth_share, 0.55 as oracle_top_tenth_share, $wins as wins,
                    $predictor = 'mbg_nbd' as is_best
                """,
                {
                    "day": day,
                    "snapshot": snapshot_on,
                    "age": age,
                    "predictor": predictor,
                    "purchases": purchases,
                    "value": value,
                    "correlation": correlation,
                    "share": share,
                    "wins": wins,
                },
            )
        con.execute(
            """
            insert into marts.prediction_tenths by name
            select $day as evaluated_on, $snapshot as snapshot_on, ranked_by, tenth, 'mbg_nbd' as predictor,
                100 as customers, 100 * 0.8 ** tenth as predicted_customers,
                100 * 0.75 ** tenth + tenth as actual_customers, 40000 * 0.6 ** (tenth - 1) as predicted_value,
                33000 * 0.6 ** (tenth - 1) as actual_value
            from range(1, 11) as tenths(tenth)
            cross join (values ('expected_value'), ('probability_order_90d')) as ranked(ranked_by)
            """,
            {"day": day, "snapshot": snapshot_on},
        )
    con.execute(
        """
        insert into marts.prediction_curves by name
        select $day as evaluated_on, $snapshot as snapshot_on, 'tracking' as curve, 7 * week as place,
            $snapshot::date + cast(7 * week - 330 as integer) as counted_on, $snapshot as fitted_on,
            'mbg_nbd' as predictor,
            cast(60 * week - 9 * sqrt(week) as bigint) as actual, 58 * week as predicted
        from range(61) as weeks(week)
        union all
        select $day, $snapshot, 'frequency', repeats, null, $snapshot, 'mbg_nbd', cast(400 * 0.6 ** repeats as bigint),
            380 * 0.62 ** repeats
        from range(8) as counts(repeats)
        """,
        {"day": day, "snapshot": max(snapshots)},
    )
