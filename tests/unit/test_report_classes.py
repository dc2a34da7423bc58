"""The report's matrices, needs, behaviour, own classes and breakdowns: counted again from the rows of customers."""

from __future__ import annotations

import re
from decimal import Decimal

import duckdb
import pytest
from marts_fixture import LABELS
from marts_standard import MATRICES
from report_pages import Page, read, said, section

from dagster_project.report.sections.needs import FEWEST_ANSWERS
from dagster_project.settings.publishing import Language


@pytest.fixture
def con(marts: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return marts


def test_a_matrix_places_its_customers_where_their_measures_are_high_or_low(con) -> None:
    content = read(con)
    assert [matrix.dimension.code for matrix in content.matrices] == list(MATRICES)
    for matrix in content.matrices:
        rows = con.execute(
            """
            select is_x_high, is_y_high, count(*), sum(s.revenue_window)
            from marts.customer_matrices as m join marts.customer_segments as s using (as_of_date, customer_id)
            where as_of_date = '2018-01-01' and matrix = ? and quadrant != 'unknown' group by 1, 2
            """,
            [matrix.dimension.code],
        ).fetchall()
        counted = {(x, y): (customers, revenue) for x, y, customers, revenue in rows}
        shown = {
            place: (count.customers, count.revenue) for place, count in matrix.quadrants.items() if count.customers
        }
        assert shown == counted
        assert sum(count.customers for count in matrix.quadrants.values()) + matrix.unknown == content.customers


@pytest.mark.parametrize("language", list(Language))
def test_the_fields_of_a_matrix_stand_with_high_to_the_right_and_above(con, language) -> None:
    index = 0 if language is Language.ENGLISH else 1
    fields = re.findall(r"<strong>(.*?)</strong>", section(con, "matrices", language))
    expected = []
    for matrix, (_, _, (high_high, high_low, low_high, low_low)) in MATRICES.items():
        expected += [LABELS[matrix][code][index] for code in (low_high, high_high, low_low, high_low)]
    assert fields == expected


def test_an_axis_names_its_measure_and_the_cut_it_was_taken_at(con) -> None:
    con.execute(
        "update marts.matrix_cut_points set cut_value = 809.7603 where measure = 'revenue_window' and axis = 'x'"
    )
    text = said(con, "matrices")
    assert "→ Revenue in the window: high from $809.76 (the mean)" in text
    assert "↑ Potential score: high from 50 (set in the standard)" in text
    assert "→ 窗口期收入：$809.76 及以上为高（平均值）" in said(con, "matrices", Language.CHINESE)


def test_who_has_no_field_is_said_beneath_the_matrix(con) -> None:
    unknown = {matrix.dimension.code: matrix.unknown for matrix in read(con).matrices}
    assert unknown["value_potential"] == 6
    assert "Unknown: 6. One of the two measures is not known of them" in said(con, "matrices")
    con.execute("delete from marts.segment_summary where dimension = 'value_potential' and class = 'unknown'")
    assert "Every customer has a field." in said(con, "matrices")


def test_a_day_without_a_scored_customer_has_axes_without_a_cut(con) -> None:
    con.execute("update marts.matrix_cut_points set cut_value = null where cut_method = 'mean'")
    assert "Orders in the window: nobody to take the cut over" in said(con, "matrices")


def test_a_matrix_of_any_measure_is_drawn(con) -> None:
    con.execute("update control.matrix_axes set measure = 'discount_share' where measure = 'urgency_score'")
    con.execute("update marts.matrix_cut_points set cut_value = 0.125 where measure = 'urgency_score'")
    con.execute("update control.matrix_axes set measure = 'shoe_size' where measure = 'value_score'")
    text = said(con, "matrices")
    assert "Share bought on discount: high from 12.5%" in text
    assert "shoe size: high from 80" in text


def test_needs_are_counted_within_each_value_tier(con) -> None:
    content = read(con)
    for need in content.needs:
        rows = con.execute(
            f"""
            select n.{need.dimension.code}, value_tier, count(*)
            from marts.customer_needs as n join marts.customer_segments as s using (as_of_date, customer_id)
            where as_of_date = '2018-01-01' group by 1, 2
            """
        ).fetchall()
        assert {place: count.customers for place, count in need.within_tiers.items()} == {
            (code, tier): customers for code, tier, customers in rows
        }
    assert [need.dimension.code for need in content.needs] == ["need_clarity", "need_type", "need_motive"]


def test_satisfaction_is_the_mean_of_the_answers_and_of_few_answers_is_not_shown(con) -> None:
    rows = con.execute(
        """
        select value_tier, count(satisfaction), avg(satisfaction) from marts.customer_needs as n
        join marts.customer_segments as s using (as_of_date, customer_id)
        where as_of_date = '2018-01-01' and n.satisfaction is not null group by 1
        """.replace("(satisfaction)", "(n.satisfaction)")
    ).fetchall()
    found = {each.code: each for each in read(con).satisfaction if each.dimension == "value_tier"}
    assert {code: (each.answers, round(float(each.mean), 6)) for code, each in found.items()} == {
        code: (answers, round(mean, 6)) for code, answers, mean in rows
    }
    con.execute(
        "update marts.customer_segments set satisfaction = case when customer_id in "
        "(select customer_id from marts.customer_segments where as_of_date = '2018-01-01' and value_tier = 'high' "
        f"order by customer_id limit {FEWEST_ANSWERS - 1}) then 4.5 end where as_of_date = '2018-01-01'"
    )
    assert f"High value {FEWEST_ANSWERS - 1} –" in said(con, "needs")
    assert "Mid value – not asked" in said(con, "needs")
    assert "4.50" not in said(con, "needs")


def test_a_tier_that_nobody_is_in_is_left_out_and_those_after_it_stay(con) -> None:
    con.execute(
        "update marts.segment_summary set customers = 0 "
        "where dimension = 'value_tier' and class = 'high' and breakdown = 'total'"
    )
    answers = said(con, "needs").partition("Mean")[2]
    assert re.match(" Value tier Mid value .* Low value ", answers), answers
    heads = re.findall("<th [^>]*>(.*?)</th>", section(con, "crossing"))
    assert heads == ["Stage", "Mid value", "Low value", "Total"]


def test_a_need_of_which_nothing_is_known_is_a_sentence_and_all_of_them_are_one(con) -> None:
    con.execute(
        "update marts.segment_summary set class = 'unknown' where dimension = 'need_type' and breakdown = 'total'"
    )
    text = said(con, "needs")
    assert "Type of need Nothing is known of this yet." in text
    assert "Clarity of need Class High value" in text
    con.execute("update marts.segment_summary set class = 'unknown' where dimension like 'need_%'")
    con.execute("update marts.customer_segments set satisfaction = null")
    assert said(con, "needs") == (
        "What customers need Nothing is known of what customers need, and none has answered a survey."
    )


def test_flags_count_who_shows_them_and_of_whom_it_cannot_be_told(con) -> None:
    flags = {flag.code: flag for flag in read(con).flags}
    for code in flags:
        yes, unknown, revenue = con.execute(
            f"""
            select count(*) filter (b.{code}), count(*) filter (b.{code} is null),
                coalesce(sum(revenue_window) filter (b.{code}), 0)
            from marts.customer_behaviours as b join marts.customer_segments as s using (as_of_date, customer_id)
            where as_of_date = '2018-01-01'
            """
        ).fetchone()
        assert (flags[code].customers, flags[code].unknown, flags[code].revenue) == (yes, unknown, revenue)
    assert flags["is_at_risk"].customers > 0
    assert "Converted from trial – – – 60" in said(con, "flags")


def test_own_dimensions_and_clusters_stand_with_their_classes(con) -> None:
    own = {each.dimension.code: each for each in read(con).own}
    assert list(own) == ["membership", "cluster"]
    rows = con.execute(
        "select class, count(*) from marts.customer_own_dimensions where as_of_date = '2018-01-01' group by 1"
    ).fetchall()
    assert {count.code: count.customers for count in own["membership"].classes} == dict(rows)
    con.execute("insert into control.labels values ('cluster', 'cluster_9', 9, 'Cluster 9', '聚类9', 'Cluster 9')")
    assert "Cluster 9" not in said(con, "own")
    con.execute("delete from marts.segment_summary where dimension in ('membership', 'cluster')")
    assert said(con, "own") == (
        "The company's own classes The standard adds no dimensions of its own and asks for no clusters."
    )


def test_a_standard_without_matrices_says_so(con) -> None:
    con.execute("delete from control.matrix_axes")
    assert said(con, "matrices") == "Matrices The standard has no matrices."


def test_a_breakdown_names_the_groups_that_bring_most(con) -> None:
    regions = next(breakdown for breakdown in read(con).breakdowns if breakdown.code == "region")
    rows = con.execute(
        """
        select region, count(*), count(*) filter (value_tier = 'high'), sum(revenue_window) as revenue
        from marts.customer_segments where as_of_date = '2018-01-01' group by region order by revenue desc
        """
    ).fetchall()
    assert [(group.name, group.customers, group.high, group.revenue) for group in regions.groups] == rows
    assert regions.others is None


def test_groups_that_bring_nothing_have_no_bars(con) -> None:
    con.execute("update marts.segment_summary set revenue_window = 0")
    bars = re.findall(r'class="bar"><span class="(\w*)" style="width:(.*?)%', section(con, "breakdowns"))
    assert set(bars) == {("none", "0.0")}


def test_a_group_too_small_to_hide_a_customer_goes_with_the_rest(con) -> None:
    con.execute(
        "update marts.segment_summary set customers = 1, revenue_window = 987654.32 "
        "where breakdown = 'region' and breakdown_class = 'North' and as_of_date = '2018-01-01'"
    )
    regions = next(breakdown for breakdown in read(con).breakdowns if breakdown.code == "region")
    assert "North" not in [group.name for group in regions.groups]
    assert regions.others is not None
    assert regions.others.customers < FEWEST_ANSWERS
    assert "North" not in said(con, "breakdowns")


def test_of_many_groups_ten_are_named_and_the_rest_are_one(con) -> None:
    con.execute("delete from marts.segment_summary where breakdown = 'owner'")
    con.execute(
        "insert into marts.segment_summary "
        "select '2018-01-01', 'v', 'value_tier', 'high', 'High', 'owner', 'rep ' || i, 10, 0.1, 100 + i, 0.1 "
        "from range(10, 23) t(i)"
    )
    owners = next(breakdown for breakdown in read(con).breakdowns if breakdown.code == "owner")
    assert [group.name for group in owners.groups] == [f"rep {number}" for number in range(22, 12, -1)]
    assert owners.others is not None
    assert (owners.others.customers, owners.others.revenue) == (30, Decimal("333.00"))


def test_a_breakdown_of_which_nothing_is_known_is_left_out(con) -> None:
    con.execute("update marts.segment_summary set breakdown_class = 'unknown' where breakdown = 'industry'")
    assert [breakdown.code for breakdown in read(con).breakdowns] == ["region", "channel", "owner"]
    con.execute("delete from marts.segment_summary where breakdown in ('region', 'channel', 'owner')")
    assert said(con, "breakdowns").endswith(
        "Nothing is known of customers' regions, channels, industries or sales reps."
    )


@pytest.mark.parametrize("language", list(Language))
def test_a_class_without_a_label_or_a_dimension_without_a_name_goes_by_its_code(con, language) -> None:
    con.execute("delete from control.dimensions where dimension = 'membership'")
    con.execute("delete from control.labels where dimension = 'membership'")
    text = " ".join(Page(section(con, "own", language)).text.split())
    assert "membership" in text
    assert "vip member" in text
