"""Every class of the invented warehouse's customers on a day, in the temporary table `classified`.

A row a customer and day, for the stored days and for those they are compared with or judged by; the marts that hold
classes are filled from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
from marts_people import SEGMENT_COLUMNS, Person, segment_rows
from marts_rows import insert
from marts_standard import DIMENSIONS, MATRICES


def create_classified(con: duckdb.DuckDBPyConnection) -> None:
    """Columns of customer_segments and one a dimension."""
    con.execute("create temp table classified as from marts.customer_segments limit 0")
    for dimension in DIMENSIONS:
        con.execute(f"alter table classified add column if not exists {dimension} varchar")


def classify(con: duckdb.DuckDBPyConnection, people: Sequence[Person], day: date) -> None:
    """The rows of `people` on `day`; a day that has rows keeps them."""
    if con.execute("select 1 from classified where as_of_date = ? limit 1", [day]).fetchone():
        return
    con.execute("create or replace temp table measured as from classified limit 0")
    insert(con, f"measured ({', '.join(SEGMENT_COLUMNS)})", segment_rows(people, day))
    con.execute(_MEASURES)
    con.execute(f"update measured set {', '.join(f'{matrix} = {_placed(matrix)}' for matrix in MATRICES)}")
    con.execute(_PLANS)
    con.execute("insert into classified from measured")


def store(con: duckdb.DuckDBPyConnection, day: date) -> None:
    """The marts a customer of `day`."""
    for table, columns in _CUSTOMER_MARTS.items():
        con.execute(
            f"insert into marts.{table} select as_of_date, customer_id, standard_version, {columns} "
            "from classified where as_of_date = ? order by customer_id",
            [day],
        )
    kept = [name for (name, *_) in con.execute("describe marts.customer_segments").fetchall()]
    con.execute(
        f"insert into marts.customer_segments select {', '.join(kept)} from classified where as_of_date = ? "
        "order by customer_id",
        [day],
    )
    for matrix, (x, y, _) in MATRICES.items():
        for axis, (measure, method, _) in (("x", x), ("y", y)):
            con.execute(
                f"insert into marts.matrix_cut_points select as_of_date, any_value(standard_version), '{matrix}', "
                f"'{axis}', '{measure}', '{method}', {_cut(axis, matrix)} from classified where as_of_date = ? "
                "group by as_of_date",
                [day],
            )
        con.execute(
            f"""
            insert into marts.customer_matrices
            select as_of_date, customer_id, standard_version, '{matrix}', {x[0]}, {y[0]},
                {x[0]} >= c.x, {y[0]} >= c.y, {matrix}
            from classified cross join (
                select max(cut_value) filter (axis = 'x') as x, max(cut_value) filter (axis = 'y') as y
                from marts.matrix_cut_points where as_of_date = $day and matrix = '{matrix}'
            ) as c
            where as_of_date = $day order by customer_id
            """,
            {"day": day},
        )


def _cut(axis: str, matrix: str) -> str:
    measure, method, fixed = MATRICES[matrix]["xy".index(axis)]
    return f"avg({measure}) filter (r_score is not null)" if method == "mean" else f"max({fixed})"


def _placed(matrix: str) -> str:
    x, y, quadrants = MATRICES[matrix]
    is_high = [f"{axis[0]} >= (select {_cut(name, matrix)} from measured)" for name, axis in (("x", x), ("y", y))]
    return f"""case
        when {x[0]} is null or {y[0]} is null then 'unknown'
        when {is_high[0]} and {is_high[1]} then '{quadrants[0]}' when {is_high[0]} then '{quadrants[1]}'
        when {is_high[1]} then '{quadrants[2]}' else '{quadrants[3]}' end"""


_MEASURES = """
    update measured set
        value_score = (
            select round(100 * count(*) filter (o.revenue_window < measured.revenue_window) / count(*), 6)
            from measured as o where o.r_score is not null
        ),
        potential_score = case when customer_id % 9 > 0 then (customer_id * 37) % 101 end,
        potential_factors_known = case when customer_id % 9 > 0 then 2 else 0 end,
        urgency_score = case when days_silent is not null then least(100, round(days_silent, 6)) end,
        need_clarity = ['explicit', 'vague', 'none', 'none', 'unknown'][1 + customer_id % 5],
        need_type = case when r_score is null then 'unknown'
            else ['price', 'quality', 'service', 'innovation', 'balanced', 'balanced'][1 + customer_id % 6] end,
        need_motive = case when customer_id % 3 = 0 then ['functional', 'emotional', 'social'][1 + customer_id % 5 % 3]
            else 'unknown' end,
        satisfaction = case when customer_id % 3 = 0 and r_score is not null then 3 + customer_id % 7 % 3 end,
        satisfaction_on = case when customer_id % 3 = 0 and r_score is not null then last_order_on end,
        cluster = case when r_score is null then 'unknown' else 'cluster_' || (1 + customer_id % 3) end,
        is_high_frequency = order_count_window > 40,
        is_at_risk = order_count > 0 and customer_id % 4 = 1,
        is_potential_buyer = order_count = 0 and customer_id % 2 = 0,
        top_channel = case when order_count > 0 then ['store', 'web', 'store', 'phone'][1 + customer_id % 4] end,
        membership = case when value_tier = 'high' then 'vip_member' when order_count > 2 then 'member' else 'guest' end
"""
_PLANS = """
    update measured set plan_dimension = p.dimension, plan_class = p.class, plan_aim = p.aim_en,
        service_level = p.service_level, contact_days = p.contact_days
    from control.plans as p where p.dimension = 'value_potential' and p.class = value_potential
"""
_CUSTOMER_MARTS = {
    "customer_features": "order_count, revenue, round(0.1 * (customer_id % 7), 6), 17",
    "customer_rfm": "r_score, f_score, m_score, rfm_segment",
    "customer_lifecycle": "lifecycle_stage, lifecycle_reason, 'own_rhythm', null",
    "customer_value": """'revenue', revenue_window, value_tier, value_reason, value_share, cumulative_value_share,
        cumulative_value_share - value_share""",
    "customer_needs": """need_clarity, case need_clarity when 'unknown' then 'not_configured' else 'stated' end,
        need_type, case need_type when 'unknown' then 'no_input' else 'rank' end,
        case when need_type in ('price', 'quality', 'service', 'innovation') then 0.8 end, need_motive, satisfaction,
        satisfaction_on""",
    "customer_behaviours": """is_high_frequency, 40, is_trial_converted, is_at_risk,
        case when is_at_risk then 'drop' end, is_potential_buyer""",
    "customer_own_dimensions": """'membership', membership,
        case membership when 'vip_member' then 1 when 'member' then 2 else 0 end""",
}
