"""The tables of the schema `control`, which rows they hold is decided in control.py and rule_rows.py."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from dagster_project.warehouse.schema_version import is_built, note_version, noted_version

TABLES: Mapping[str, str] = {
    "as_of_days": """
        as_of_date date, standard_version varchar, is_requested boolean, is_classified boolean, is_reference boolean,
        issues_list boolean, has_later_list boolean""",
    "compared_days": "as_of_date date, compared_on date",
    "standards": """
        standard_version varchar, name varchar, effective_from date, registration integer, window_days integer,
        rfm_method varchar, rfm_bins integer, type_cut varchar, has_grid boolean,
        recency_weight decimal(12, 6), frequency_weight decimal(12, 6), monetary_weight decimal(12, 6),
        lifecycle_method varchar, new_days integer, reactivated_days integer,
        fixed_silence_days integer, fixed_churn_days integer, minimum_order_days integer,
        silence_multiplier decimal(9, 4), silence_at_least integer, silence_at_most integer,
        churn_multiplier decimal(9, 4), churn_at_least integer, churn_at_most integer,
        loyal_order_days integer,
        value_measure varchar, value_method varchar, value_high_cut decimal(18, 6), value_mid_cut decimal(18, 6),
        maximum_recency_days integer, complaint_days integer, price_share decimal(9, 6),
        seasonal_order_days integer, seasonal_years integer, seasonal_share decimal(9, 6), fading_gaps integer,
        return_month_ends integer, return_horizon_days integer, return_prior_weight integer,
        premium_cut integer, premium_bins integer, novelty_days integer,
        expected_value_weight decimal(12, 6), growth_weight decimal(12, 6), industry_outlook_weight decimal(12, 6),
        company_size_weight decimal(12, 6), opportunity_weight decimal(12, 6), independence_weight decimal(12, 6),
        close_days integer, high_urgency decimal(9, 6), medium_urgency decimal(9, 6), low_urgency decimal(9, 6),
        need_days integer, need_type_cut decimal(9, 6),
        high_frequency_cut integer, high_frequency_bins integer,
        at_risk_drop decimal(9, 6), at_risk_complaint_days integer, at_risk_alive_below decimal(9, 6),
        potential_buyer_days integer,
        purchase_model varchar, has_level_correction boolean, refit_days integer, least_buyers integer,
        least_repeat_buyers integer, yearly_discount decimal(9, 6), has_clusters boolean,
        stability_warn decimal(9, 6), stability_fail decimal(9, 6)""",
    "industry_outlooks": "standard_version varchar, industry varchar, outlook decimal(9, 6)",
    "company_sizes": "standard_version varchar, company_size varchar, position integer",
    "opportunity_stages": "standard_version varchar, stage varchar, position integer, is_explicit boolean",
    "closed_lead_stages": "standard_version varchar, stage varchar",
    "trial_categories": "standard_version varchar, category varchar",
    "matrix_axes": """
        standard_version varchar, matrix varchar, position integer, axis varchar, measure varchar, cut_method varchar,
        cut_value decimal(24, 6), cut_number integer, cut_bins integer""",
    "matrix_quadrants": """
        standard_version varchar, matrix varchar, is_x_high boolean, is_y_high boolean, quadrant varchar""",
    "own_dimensions": "standard_version varchar, dimension varchar, position integer, default_class varchar",
    "own_rules": """
        standard_version varchar, dimension varchar, rule_number integer, class varchar, expression varchar""",
    "cluster_days": "as_of_date date, fit integer",
    "cluster_centres": """
        fit integer, cluster varchar, recency_mean double, recency_deviation double, frequency_mean double,
        frequency_deviation double, monetary_mean double, monetary_deviation double,
        recency_centre double, frequency_centre double, monetary_centre double""",
    "dimensions": """
        dimension varchar, position integer, kind varchar, label_en varchar, label_zh varchar, label varchar""",
    "plans": """
        dimension varchar, dimension_position integer, class varchar, aim_en varchar, aim_zh varchar,
        actions_en varchar, actions_zh varchar, channels varchar, service_level varchar, contact_days integer,
        budget_share decimal(9, 6), feature_en varchar, feature_zh varchar, advantage_en varchar,
        advantage_zh varchar, benefit_en varchar, benefit_zh varchar, evidence_en varchar, evidence_zh varchar""",
    "budget": "budget decimal(18, 2)",
    "configured_entities": "entity varchar",
    "rfm_thresholds": "standard_version varchar, measure varchar, cut_number integer, cut_value decimal(18, 2)",
    "rfm_grid": "standard_version varchar, r_score integer, f_score integer, rfm_segment varchar",
    "return_bands": "standard_version varchar, measure varchar, band integer, lower_bound integer",
    "reference_days": "as_of_date date, reference_on date",
    "labels": "dimension varchar, code varchar, ordinal integer, label_en varchar, label_zh varchar, label varchar",
    "channels": """
        channel varchar, position integer, consent_channel varchar, contact_point varchar, capacity integer,
        carries_over boolean""",
    "campaign_days": "as_of_date date, campaign_id varchar, window_starts_on date",
    "reactivation": """
        salt varchar, control_share decimal(6, 4), cool_down_days integer, consent_default_reason varchar""",
    "next_products": """
        learn_days integer, basket_products integer, minimum_customers integer, prior_orders integer,
        candidates integer""",
    "profiling_choices": "registry_id bigint, occurred_at timestamptz, is_granted boolean",
    "assignments": """
        campaign_id varchar, customer_id bigint, registry_id bigint, entered_on date, arm varchar, channel varchar,
        priority_score decimal(18, 6), position integer, value_tier varchar, silence_cause varchar, owner varchar""",
    "listings": """
        campaign_id varchar, customer_id bigint, registry_id bigint, entered_on date, arm varchar, channel varchar,
        priority_score decimal(18, 6), position integer, value_tier varchar, silence_cause varchar, owner varchar,
        listed_on date""",
}
# Kept from run to run: what each stored day was built from, each day ever computed, stored or not, each month end
# learnt from, days whose customers are put together from other references than they were built with, and the first day
# that a batch changes by what a first record says of the time before it; the newest sequence there is that of the last
# batch looked at.
KEPT_TABLES: Mapping[str, str] = {
    "snapshot_builds": "as_of_date date primary key, standard_version varchar, batch_sequence bigint",
    "history_days": "as_of_date date primary key, standard_version varchar, batch_sequence bigint",
    "reference_builds": "reference_on date primary key, standard_version varchar, batch_sequence bigint",
    "relinked_days": "as_of_date date primary key",
    "reaching_back": "batch_sequence bigint primary key, first_changed_on date",
}


def create_kept_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the schema and the tables that are kept where they are not there yet; a file just begun gets its version."""
    there = con.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'control'"
    ).fetchall()
    if set(KEPT_TABLES) <= {table for (table,) in there}:
        return  # also where nothing may be written: who looks at a warehouse changes nothing
    con.execute("create schema if not exists control")
    if noted_version(con) is None and not is_built(con):
        note_version(con)
    for table, columns in KEPT_TABLES.items():
        con.execute(f"create table if not exists control.{table} ({columns})")
