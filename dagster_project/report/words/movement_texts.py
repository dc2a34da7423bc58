"""The sections about change over time, money spent, and how the classes did."""

from __future__ import annotations

MOVEMENT: dict[str, tuple[str, str]] = {
    "history": ("Stages over time", "阶段变化趋势"),
    "history_note": (
        "Customers of each stage on the stored days, from {first} to {last}.",
        "已保存日期内各阶段的客户数，自 {first} 至 {last}。",
    ),
    "history_none": (
        "Only this day is stored, so there is nothing to compare it with over time.",
        "仅保存了当日数据，暂无可比较的历史。",
    ),
    "history_standards": (
        "The standard changed within these days: on {days} classes were made by another version than before.",
        "期间分类标准有变更：自 {days} 起采用了不同版本的标准。",
    ),
    "numbers": ("The numbers", "具体数值"),
    "movement": ("Who moved", "客户迁移"),
    "movement_note": (
        "Since {before}: {changed} changed their stage, {came} new to us, {gone} gone.",
        "自 {before} 以来：阶段变化的客户 {changed} 位，新进入 {came} 位，已不在册 {gone} 位。",
    ),
    "movement_none": (
        "Nothing is stored of the last month end before this day, so movement cannot be told.",
        "没有上一个月末的数据，无法判断客户迁移。",
    ),
    "movement_standard": (
        "The standard changed in between, so some moves come from the new rules and not from the customers.",
        "期间分类标准有变更，部分迁移源于规则变化而非客户变化。",
    ),
    "movement_legend": (
        "To the left {before}, to the right this day. Orange: changed class. Grey: stayed. Blue: new to us, or gone.",
        "左侧为 {before}，右侧为当日。橙色：类别改变；灰色：未变；蓝色：新进入或已不在册。",
    ),
    "moves": ("The biggest moves", "最大的迁移"),
    "moves_none": ("Nobody changed class.", "没有客户改变类别。"),
    "absent_from": ("New to us", "新进入"),
    "absent_to": ("Gone", "已不在册"),
    "stability": ("How much each dimension shifted", "各维度的稳定性"),
    "stability_note": (
        "Population stability index against {before}: below {warn} steady, from {fail} on the customers are no longer "
        "spread over the classes as they were.",
        "与 {before} 相比的群体稳定性指数（PSI）：低于 {warn} 为稳定，达到 {fail} 表示客户分布已明显改变。",
    ),
    "stability_none": (
        "There is no earlier month end to compare this day with.",
        "没有可供比较的更早月末。",
    ),
    "verdict.steady": ("steady", "稳定"),
    "verdict.warn": ("watch", "关注"),
    "verdict.fail": ("shifted", "明显偏移"),
    "verdict_standard": ("not judged: the standard changed", "不作判断：分类标准已变更"),
    "spending": ("Spend against value", "投入与价值"),
    "spending_note": (
        "How the plans split a budget of {budget} (blue), beside the revenue of the window that each class brings "
        "(orange).",
        "按运营方案分配 {budget} 的预算（蓝色），并与各类客户带来的窗口期收入（橙色）对照。",
    ),
    "spending_note_unpriced": (
        "The budget of the standard is 0. How the plans would split one (blue), beside the revenue of the window that "
        "each class brings (orange).",
        "分类标准中的预算为 0。按运营方案的预算占比（蓝色）与各类客户带来的窗口期收入占比（橙色）对照。",
    ),
    "spending_unknown": (
        "Nobody has one of these classes, so the plans reach nobody.",
        "没有客户属于这些类别，因此方案不涉及任何客户。",
    ),
    "spending_none": (
        "The standard gives no class a share of a budget.",
        "分类标准未为任何类别分配预算。",
    ),
    "backtest": ("Did the classes tell what came?", "分类是否准确"),
    "backtest_note": (
        "Classes of earlier month ends against what their customers did in the 90 days after.",
        "将以往月末的分类与其后 90 天内客户的实际表现对照。",
    ),
    "backtest_none": (
        "No month end lies 90 days back yet, so the classes cannot be checked against what came.",
        "尚无 90 天以前的月末数据，无法检验分类。",
    ),
    "backtest_share": ("Share of revenue from high value", "高价值客户收入占比"),
    "backtest_repeat": ("{tier}: bought again", "{tier}：再次购买"),
    "backtest_newest": ("Classes of {day}, 90 days on", "{day} 的分类在 90 天后"),
}
