"""The standard of the invented warehouse as rows of `control`: labels, dimensions, matrices, own classes and plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

STANDARD_VERSION = "default-5d1c0f2a"

LABELS: dict[str, dict[str, tuple[str, str]]] = {
    "lifecycle_stage": {
        "prospect": ("Prospect", "潜在客户"),
        "new": ("New", "新客户"),
        "active": ("Active", "活跃客户"),
        "reactivated": ("Reactivated", "唤回客户"),
        "silent": ("Silent", "沉默客户"),
        "churned": ("Churned", "流失客户"),
    },
    "value_tier": {
        "high": ("High value", "高价值"),
        "mid": ("Mid value", "中价值"),
        "low": ("Low value", "低价值"),
        "prospect": ("Prospect", "潜在客户"),
        "unknown": ("Unknown", "未知"),
    },
    "rfm_type": {
        "important_value": ("Important value", "重要价值客户"),
        "important_develop": ("Important to develop", "重要发展客户"),
        "important_keep": ("Important to keep", "重要保持客户"),
        "important_winback": ("Important to win back", "重要挽留客户"),
        "general_value": ("General value", "一般价值客户"),
        "general_develop": ("General to develop", "一般发展客户"),
        "general_keep": ("General to keep", "一般保持客户"),
        "general_winback": ("General to win back", "一般挽留客户"),
        "out_of_window": ("No order in the window", "窗口期内无订单"),
        "prospect": ("Prospect", "潜在客户"),
    },
    "rfm_segment": {
        "champions": ("Champions", "冠军客户"),
        "loyal": ("Loyal", "忠诚客户"),
        "potential_loyalist": ("Potential loyalists", "潜在忠诚客户"),
        "new_customers": ("New customers", "新客户"),
        "promising": ("Promising", "有希望客户"),
        "need_attention": ("Need attention", "需关注客户"),
        "about_to_sleep": ("About to sleep", "即将沉睡客户"),
        "at_risk": ("At risk", "风险客户"),
        "cannot_lose": ("Cannot lose", "不能流失客户"),
        "hibernating": ("Hibernating", "休眠客户"),
        "out_of_window": ("No order in the window", "窗口期内无订单"),
        "prospect": ("Prospect", "潜在客户"),
    },
    "silence_cause": {
        "after_complaint": ("After a complaint", "投诉后沉默"),
        "one_time_buyer": ("Bought once", "一次性购买"),
        "price": ("Buys on discount", "价格敏感"),
        "seasonal": ("Seasonal", "季节性购买"),
        "fading": ("Fading away", "逐渐疏远"),
        "unknown": ("Unknown", "未知"),
    },
    "suppressed_reason": {
        "do_not_contact": ("Do not contact", "禁止联系"),
        "open_complaint": ("Open complaint", "投诉未解决"),
        "recently_contacted": ("Contacted recently", "近期已联系"),
        "in_running_campaign": ("In a running campaign", "正在参与营销活动"),
        "no_consent": ("No consent", "未授权联系"),
        "invalid_contact_point": ("No valid contact point", "联系方式无效"),
    },
    "need_clarity": {
        "explicit": ("Knows what they need", "需求明确型"),
        "vague": ("Vague about it", "需求模糊型"),
        "none": ("No need shown", "无需求型"),
        "unknown": ("Unknown", "未知"),
    },
    "need_type": {
        "price": ("Price", "价格敏感型"),
        "quality": ("Quality", "品质追求型"),
        "service": ("Service", "服务重视型"),
        "innovation": ("Innovation", "创新驱动型"),
        "balanced": ("Balanced", "均衡型"),
        "unknown": ("Unknown", "未知"),
    },
    "need_motive": {
        "functional": ("Functional", "功能型"),
        "emotional": ("Emotional", "情感型"),
        "social": ("Social", "社会型"),
        "unknown": ("Unknown", "未知"),
    },
    "value_frequency": {
        "vip": ("VIP", "高价值高频率"),
        "big_ticket": ("Big tickets", "高价值低频率"),
        "frequent_small": ("Frequent and small", "低价值高频率"),
        "occasional": ("Occasional", "低价值低频率"),
        "unknown": ("Unknown", "未知"),
    },
    "value_potential": {
        "star": ("Stars", "明星客户"),
        "cash_cow": ("Cash cows", "现金牛客户"),
        "rising": ("Rising", "潜力客户"),
        "long_tail": ("Long tail", "长尾客户"),
        "unknown": ("Unknown", "未知"),
    },
    "importance_urgency": {
        "act_now": ("Important and urgent", "重要且紧急"),
        "plan": ("Important, not urgent", "重要不紧急"),
        "delegate": ("Urgent, not important", "紧急不重要"),
        "automate": ("Neither", "不重要不紧急"),
        "unknown": ("Unknown", "未知"),
    },
    "cluster": {
        "cluster_1": ("Cluster 1", "聚类1"),
        "cluster_2": ("Cluster 2", "聚类2"),
        "cluster_3": ("Cluster 3", "聚类3"),
        "unknown": ("Unknown", "未知"),
    },
    "membership": {
        "vip_member": ("VIP member", "VIP会员"),
        "member": ("Member", "普通会员"),
        "guest": ("Guest", "非会员"),
    },
    "behaviour_flag": {
        "is_loyal": ("Loyal", "忠诚"),
        "is_high_frequency": ("Buys often", "高频购买"),
        "is_trial_converted": ("Converted from trial", "试用转化"),
        "is_at_risk": ("At risk", "风险预警"),
        "is_potential_buyer": ("Potential buyer", "潜在购买者"),
    },
    "service_level": {
        "dedicated": ("Dedicated", "专属服务"),
        "standard": ("Standard", "标准服务"),
        "self_service": ("Self-service", "自助服务"),
    },
    "movement": {"absent": ("Not there", "不在册")},
}

# Each dimension with its kind and its own names, in the order of the standard.
DIMENSIONS: dict[str, tuple[str, str, str]] = {
    "lifecycle_stage": ("fixed", "Lifecycle stage", "生命周期阶段"),
    "value_tier": ("fixed", "Value tier", "价值等级"),
    "rfm_segment": ("fixed", "RFM segment", "RFM 分群"),
    "rfm_type": ("fixed", "RFM type", "RFM 八类"),
    "need_clarity": ("fixed", "Clarity of need", "需求明确度"),
    "need_type": ("fixed", "Type of need", "需求类型"),
    "need_motive": ("fixed", "Motive", "需求动机"),
    "value_frequency": ("matrix", "Value and frequency", "价值与频率"),
    "value_potential": ("matrix", "Value and potential", "价值与潜力"),
    "importance_urgency": ("matrix", "Importance and urgency", "重要与紧急"),
    "membership": ("own", "Membership", "会员等级"),
    "cluster": ("cluster", "Cluster", "聚类"),
}
# x and y: measure, method and the fixed cut, if it is one; then the quadrants high·high, high·low, low·high, low·low.
MATRICES: dict[str, tuple[tuple[str, str, int | None], tuple[str, str, int | None], tuple[str, str, str, str]]] = {
    "value_frequency": (
        ("revenue_window", "mean", None),
        ("order_count_window", "mean", None),
        ("vip", "big_ticket", "frequent_small", "occasional"),
    ),
    "value_potential": (
        ("revenue_window", "mean", None),
        ("potential_score", "number", 50),
        ("star", "cash_cow", "rising", "long_tail"),
    ),
    "importance_urgency": (
        ("value_score", "number", 80),
        ("urgency_score", "number", 50),
        ("act_now", "plan", "delegate", "automate"),
    ),
}
# Class, aim, service level, contact rhythm in days and share of the budget.
PLANS: dict[str, tuple[tuple[str, str, str, str, int, str], ...]] = {
    "value_potential": (
        ("star", "Bind closely", "紧密绑定", "dedicated", 14, "0.4"),
        ("cash_cow", "Keep steady", "稳定维系", "dedicated", 30, "0.3"),
        ("rising", "Develop", "重点培育", "standard", 30, "0.2"),
        ("long_tail", "Serve at low cost", "低成本服务", "self_service", 90, "0.1"),
    ),
    "lifecycle_stage": (
        ("prospect", "Win the first order", "促成首单", "standard", 30, "0.25"),
        ("new", "Lead to the second order", "促成复购", "standard", 14, "0.2"),
        ("active", "Keep", "稳定维系", "standard", 30, "0.25"),
        ("reactivated", "Hold", "巩固", "standard", 14, "0.1"),
        ("silent", "Wake", "唤回", "standard", 21, "0.15"),
        ("churned", "Try once", "尝试一次", "self_service", 90, "0.05"),
    ),
}
GRID = {
    **{(5, f): "champions" for f in (4, 5)},
    **{(r, f): "loyal" for r in (3, 4) for f in (4, 5)},
    **{(r, f): "potential_loyalist" for r in (4, 5) for f in (2, 3)},
    (5, 1): "new_customers",
    (4, 1): "promising",
    (3, 3): "need_attention",
    **{(3, f): "about_to_sleep" for f in (1, 2)},
    **{(r, f): "at_risk" for r in (1, 2) for f in (3, 4)},
    **{(r, 5): "cannot_lose" for r in (1, 2)},
    **{(r, f): "hibernating" for r in (1, 2) for f in (1, 2)},
}
BUDGET = Decimal("100000.00")


def control_rows(days: Iterable[tuple[date, date]]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of every control table; `days` are those stored, each with the day it is compared with."""
    version = STANDARD_VERSION
    pairs = list(days)
    return {
        "as_of_days": [(day, version, True, True, False, False, False) for day, _ in pairs],
        "compared_days": pairs,
        "standards": [(version, "default", None, 1, 365, Decimal("0.1"), Decimal("0.25"), True)],
        "labels": [
            (dimension, code, ordinal, en, zh, en)
            for dimension, classes in LABELS.items()
            for ordinal, (code, (en, zh)) in enumerate(classes.items(), start=1)
        ],
        "dimensions": [
            (dimension, position, kind, en, zh, en)
            for position, (dimension, (kind, en, zh)) in enumerate(DIMENSIONS.items(), start=1)
        ],
        "matrix_axes": [
            (version, matrix, position, axis, measure, method, fixed, None, None)
            for position, (matrix, (x, y, _)) in enumerate(MATRICES.items(), start=1)
            for axis, (measure, method, fixed) in (("x", x), ("y", y))
        ],
        "matrix_quadrants": [
            (version, matrix, is_x_high, is_y_high, quadrant)
            for matrix, (_, _, quadrants) in MATRICES.items()
            for (is_x_high, is_y_high), quadrant in zip(
                ((True, True), (True, False), (False, True), (False, False)), quadrants, strict=True
            )
        ],
        "rfm_grid": [(version, r, f, segment) for (r, f), segment in GRID.items()],
        "own_dimensions": [(version, "membership", 1, "guest")],
        "own_rules": [
            (version, "membership", 1, "vip_member", "features.revenue_window >= 1000"),
            (version, "membership", 2, "member", "features.order_count >= 3"),
        ],
        "plans": [
            (
                *(dimension, position, code, aim_en, aim_zh, f"{aim_en} first", f"先{aim_zh}", "phone, wechat"),
                *(level, rhythm, Decimal(share)),
                *("A fixed contact", "固定联系人", "No waiting", "无需等待", "More time", "更省心", "Orders", "订单"),
            )
            for position, (dimension, plans) in enumerate(PLANS.items(), start=1)
            for code, aim_en, aim_zh, level, rhythm, share in plans
        ],
        "budget": [(BUDGET,)],
    }
