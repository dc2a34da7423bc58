"""Installations as earlier versions left them, made from one of now by what each version lacked.

Each function names the version that it stands for and takes a whole shop back to it in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import duckdb
from shop_runs import Shop

Older = Callable[[Shop], None]


def before_versions(shop: Shop) -> None:
    """The last commits without versions: the tables of version 1, nothing that says so."""
    with _warehouse(shop) as con:
        con.execute("drop table control.schema_version")
    _with_entries_of_version_1(shop)


def before_predictions(shop: Shop) -> None:
    """Before predictions were made: an empty customer_predictions of four columns, none of the tables beside it."""
    before_versions(shop)
    with _warehouse(shop) as con:
        con.execute(
            "create or replace table marts.customer_predictions "
            "(as_of_date date not null, customer_id bigint not null, standard_version varchar, model varchar)"
        )
        for table in ("prediction_backtest", "prediction_curves", "prediction_tenths", "purchase_model_fits"):
            con.execute(f"drop table marts.{table}")
        for table in ("int_reference_curves", "int_reference_predictions"):
            con.execute(f"drop table intermediate.{table}")


def before_lists_carried_over(shop: Shop) -> None:
    """Before lists carried customers over: no day of entry, no details, and the class of the history never empty."""
    before_predictions(shop)
    with _warehouse(shop) as con:
        con.execute("alter table marts.reactivation_list drop column entered_on")
        con.execute("drop table marts.reactivation_list_details")
        con.execute("alter table marts.segment_history alter class set not null")


def before_the_taxonomy(shop: Shop) -> None:
    """Before the whole taxonomy: no needs, matrices or behaviours, no history, and no note of days but the stored."""
    before_lists_carried_over(shop)
    with _warehouse(shop) as con:
        for table in ("customer_needs", "customer_matrices", "customer_behaviours", "customer_own_dimensions"):
            con.execute(f"drop table marts.{table}")
        con.execute("drop table marts.segment_history")
        for table in ("history_days", "relinked_days", "reaching_back"):
            con.execute(f"drop table control.{table}")
        con.execute("alter table marts.customer_segments drop column need_type")


OLDER_COLUMNS: tuple[Older, ...] = (before_predictions, before_lists_carried_over, before_the_taxonomy)


def _warehouse(shop: Shop) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(shop.data / "warehouse" / "strata.duckdb"))


def _with_entries_of_version_1(shop: Shop) -> None:
    """Entries of the manifest as they were written before batches named their contract."""
    for entry in (shop.data / "landing" / "manifest").glob("*.json"):
        document = json.loads(entry.read_text(encoding="utf-8"))
        for batch in document["batches"]:
            batch.pop("contract_version", None)
        entry.write_text(json.dumps(document | {"version": 1}, ensure_ascii=False), encoding="utf-8")
