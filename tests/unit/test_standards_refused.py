"""A standard that cannot work is refused where it is written: the message names the line, the place and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from standard_workshop import SHIPPED, changed, refusal

PREMIUM = "premium: { cut: 3, of: 4 }"
HIGH_FREQUENCY = "high_frequency: { cut: 9, of: 10 }"
X_AXIS = "x: { measure: value_score, cut: 80 }"
QUADRANTS = "quadrants: { high_high: act_now, high_low: plan, low_high: delegate, low_low: automate }"
STATED = "stated: { high: 1, medium: 0.5, low: 0 }"
ORDER = "order: [value_potential, value_frequency, lifecycle_stage]"
RFM_TYPE = "  rfm_type: { en: RFM type, zh: RFM 八类型 }\n"
STAR = "    star: { en: Stars, zh: 明星客户 }\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (PREMIUM, "premium: { cut: 4, of: 4 }", "features.premium.cut: cut 4 of 4 does not exist; the last one is 3."),
        (PREMIUM, "premium: { cut: 3, of: 101 }", "features.premium.of: input should be less than or equal to 100"),
        (PREMIUM, "premium: { cut: 3, off: 4 }", "there is no setting 'off' here; did you mean 'of'?"),
        ("novelty_days: 90", "novelty_days: 0", "features.novelty_days: input should be greater than or equal to 1"),
        (
            "industry_outlook: {}",
            "industry_outlook: { print: 1.2 }",
            "potential.industry_outlook.print: input should be less than or equal to 1",
        ),
        (
            "company_sizes: []",
            "company_sizes: [small, large, small]",
            "potential.company_sizes[3]: company size 'small' is given twice; keep one.",
        ),
        (STATED, "stated: { high: 0.4, medium: 0.5, low: 0 }", "urgency.stated: must not rise from high to low"),
        (
            HIGH_FREQUENCY,
            "high_frequency: { cut: 10, of: 10 }",
            "behaviour.high_frequency.cut: cut 10 of 10 does not exist; the last one is 9.",
        ),
        (
            "trial_categories: []",
            "trial_categories: [samples, samples]",
            "behaviour.trial_categories[2]: category 'samples' is given twice",
        ),
        ("drop: 0.5, complaint_days", "drop: 1, complaint_days", "at_risk.drop: input should be less than 1"),
        (
            "explicit_after: Qualification",
            "explicit_after: qualification",
            "needs.explicit_after: there is no stage 'qualification' in opportunity_stages; "
            "did you mean 'Qualification'?",
        ),
        (
            "    - Needs Analysis",
            "    - Qualification ",
            "needs.opportunity_stages[4]: stage 'Qualification' is given twice",
        ),
        ("type_cut: 0.75", "type_cut: 75", "needs.type_cut: input should be less than or equal to 1"),
        ("clusters: none", "clusters: { count: 1 }", "clusters.count: input should be greater than or equal to 2"),
        ("clusters: none", "clusters: { count: 10 }", "clusters.count: input should be less than or equal to 9"),
        ("  warn: 0.1\n", "  warn: 0.25\n", "stability.warn: warn (0.25) must be smaller than fail (0.25)."),
        ("novelty_days: 90", "novelty_day: 90", "there is no setting 'novelty_day' here; did you mean 'novelty_days'?"),
        ("\nstability:", "\nstabilty:", "there is no setting 'stabilty' here; did you mean 'stability'?"),
    ],
)
def test_a_number_or_name_that_cannot_be_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    refused = refusal(tmp_path, old, new, near=new.strip("\n"))
    assert refused.startswith("here: ")
    assert said in refused


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            X_AXIS,
            "x: { measure: value_scor, cut: 80 }",
            "matrices[3].x.measure: there is no measure 'value_scor'; did you mean 'value_score'?",
        ),
        (X_AXIS, "x: { measure: owner, cut: 80 }", "matrices[3].x.measure: 'owner' is a text; an axis needs a number."),
        (X_AXIS, "x: { measure: value_score, cut: avg }", "matrices[3].x.cut: 'avg' is not one of mean, median"),
        (
            X_AXIS,
            "x: { measure: value_score, cut: { quantile: 10, of: 10 } }",
            "matrices[3].x.cut.quantile: cut 10 of 10 does not exist; the last one is 9.",
        ),
        (
            X_AXIS,
            "x: { measure: value_score, cut: { quantil: 9, of: 10 } }",
            "there is no setting 'quantil' here; did you mean 'quantile'?",
        ),
        (
            QUADRANTS,
            "quadrants: { high_high: act_now, high_low: plan, low_high: plan, low_low: automate }",
            "matrices[3].quadrants.low_high: 'plan' is the code of high_low already; give four different codes.",
        ),
        (
            QUADRANTS,
            "quadrants: { high_high: act_now, high_low: plan, low_high: unknown, low_low: automate }",
            "matrices[3].quadrants.low_high: 'unknown' is who has no known value on an axis; choose another code.",
        ),
        (
            QUADRANTS,
            "quadrants: { high_high: absent, high_low: plan, low_high: delegate, low_low: automate }",
            "matrices[3].quadrants.high_high: 'absent' is who is there on one of two compared days only",
        ),
        (
            "- matrix: importance_urgency",
            "- matrix: value_potential # twice",
            "matrices[3].matrix: 'value_potential' is the code of another matrix; choose another code.",
        ),
        (
            "- matrix: importance_urgency",
            "- matrix: value_tier",
            "matrices[3].matrix: 'value_tier' is a dimension of every standard; choose another code.",
        ),
        (
            "- matrix: importance_urgency",
            "- matrix: revenue_window",
            "matrices[3].matrix: 'revenue_window' is a column of customer_features; choose another code.",
        ),
        (
            "- matrix: importance_urgency",
            "- matrix: behaviour_flag",
            "matrices[3].matrix: 'behaviour_flag' is a name of the project's own; choose another code.",
        ),
        ("segment: at_risk,", "segment: ungraded,", "rfm.grid.segments[8].segment: 'ungraded' is a segment outside"),
    ],
)
def test_a_matrix_that_cannot_work_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    refused = refusal(tmp_path, old, new)
    assert refused.startswith("here: ")
    assert said in refused


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (ORDER, "order: [value_potentail]", "playbook.order[1]: there is no dimension 'value_potentail'; did you mean"),
        (ORDER, "order: [value_tier, value_tier]", "playbook.order[2]: dimension 'value_tier' is given twice"),
        ("    value_potential:\n      star:", "    value_ptential:\n      star:", "no dimension 'value_ptential'"),
        ("      cash_cow:\n        aim", "      cash_cows:\n        aim", "there is no plan for cash_cow; give each"),
        (
            "        budget_share: 0.45\n",
            "        budget_share: 0.40\n",
            "importance_urgency add up to 0.95; they",
        ),
        (
            "        contact_days: 3\n",
            "        contact_days: 0\n",
            "contact_days: input should be greater",
        ),
        (
            "aim: { en: Answer today, zh: 当日响应 }",
            "aim: { en: Answer today }",
            "plans.importance_urgency.act_now.aim.zh",
        ),
    ],
)
def test_a_playbook_that_does_not_fit_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, old, new)


def test_an_unwanted_plan_is_refused_at_its_line(tmp_path: Path) -> None:
    star = SHIPPED[SHIPPED.index("      star:\n") : SHIPPED.index("      cash_cow:\n")]
    unwanted = star.replace("star:", "stars:").replace("budget_share: 0.40", "budget_share: 0")
    refused = refusal(tmp_path, star, star + unwanted, near="      stars:")
    assert refused == (
        "here: playbook.plans.value_potential.stars: value_potential has no class 'stars'; did you mean 'star'?"
    )


def test_a_dimension_in_the_order_needs_plans(tmp_path: Path) -> None:
    matrix = SHIPPED[
        SHIPPED.index("    value_potential:\n      star:") : SHIPPED.index("    value_frequency:\n      vip")
    ]
    refused = refusal(tmp_path, matrix, "    value_potential: {}\n", near=ORDER)
    assert refused == "here: playbook.order[1]: value_potential has no plans; add them or take it out."
    assert changed(playbook={"order": [], "plans": {"value_potential": {}}}).playbook.plans == {"value_potential": {}}


@pytest.mark.parametrize(
    ("old", "new", "near", "said"),
    [
        (
            STAR,
            "",
            "  value_potential:\n    cash_cow",
            "labels.value_potential: lacks star; each class needs",
        ),
        (STAR, "    star: { en: Stars }\n", "    star: { en: Stars }", "labels.value_potential.star.zh: is missing"),
        (
            STAR,
            STAR + "    stars: { en: S, zh: S }\n",
            "    stars: {",
            "labels.value_potential.stars: value_pot",
        ),
        (
            "  movement: #",
            "  movment: #",
            "  movment: #",
            "labels.movment: there is no dimension 'movment'; did",
        ),
        ("    cluster_9: {", "    cluster_10: {", "    cluster_10", "labels.cluster.cluster_10: cluster has no class"),
        (RFM_TYPE, "", "dimension_labels:", "dimension_labels: lacks rfm_type; each dimension needs en and zh."),
        (
            RFM_TYPE,
            RFM_TYPE.replace("type:", "tipe:"),
            "  rfm_tipe",
            "dimension_labels.rfm_tipe: there is no",
        ),
    ],
)
def test_labels_fit_the_classes_in_both_languages(old: str, new: str, near: str, said: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, old, new, near=near).startswith(f"here: {said}")


def test_every_weight_of_potential_may_not_be_zero(tmp_path: Path) -> None:
    weights = SHIPPED[SHIPPED.index("    expected_value: 1") : SHIPPED.index("  industry_outlook: {}")]
    said = refusal(tmp_path, weights, weights.replace(": 1 ", ": 0 ").replace(": 1\n", ": 0\n"), near="  weights:\n")
    assert said == "here: potential.weights: every weight is 0; give at least one factor a weight above 0."


def test_what_is_kept_for_another_grid_or_for_clusters_is_no_fault() -> None:
    standard = changed(rfm={"grid": "none"}, clusters={"count": 2})
    assert standard.classes()["rfm_segment"] == ("out_of_window", "prospect", "ungraded")
    assert standard.classes()["cluster"] == ("cluster_1", "cluster_2", "unknown")
