"""The page around its sections: heading, notices, key figures, contents."""

from __future__ import annotations

FRAME: dict[str, tuple[str, str]] = {
    "product": ("Customer Strata", "客户分层 Customer Strata"),
    "title": ("Who our customers are", "我们的客户是谁"),
    "as_of": ("As of {day}", "截至 {day}"),
    "standard": ("Standard", "分类标准"),
    "code": ("Code", "代码版本"),
    "currency": ("Currency", "币种"),
    "window_note": (
        "Revenue is that of the rolling window up to this day, after refunds.",
        "收入指截至当日的滚动窗口期收入，已扣除退款。",
    ),
    "generated": (
        "Part of this data is invented. The sources {sources} were generated for demonstration: names, contact points, "
        "consents and follow-ups in them belong to nobody.",
        "部分数据为虚构。来源 {sources} 由演示程序生成，其中的姓名、联系方式、授权与跟进记录均不属于任何真实个人。",
    ),
    "no_script": (
        "The charts need JavaScript; every number is in the tables too.",
        "图表需要 JavaScript；表格中包含全部数字。",
    ),
    # Figures at the top
    "kpi.customers": ("Customers", "客户总数"),
    "kpi.customers_note": ("{prospects} of them have not bought yet", "其中 {prospects} 位尚未购买"),
    "kpi.revenue": ("Revenue in the window", "窗口期收入"),
    "kpi.revenue_note": ("{average} per buyer", "每位购买客户 {average}"),
    "kpi.active": ("Active customers", "活跃客户"),
    "kpi.active_note": ("{loyal} of them loyal", "其中忠诚客户 {loyal} 位"),
    "kpi.silent": ("Silent or churned", "沉默或流失"),
    "kpi.silent_note": ("{revenue} bought in the window", "窗口期内消费 {revenue}"),
    "kpi.list": ("On today's lists", "今日名单"),
    "kpi.list_note": ("{control} more in the control group", "另有对照组 {control} 位"),
    # Contents
    "contents": ("On this page", "本页内容"),
    "part.who": ("Who they are", "客户是谁"),
    "part.movement": ("How they move", "客户如何变动"),
    "part.needs": ("What they need and do", "需求与行为"),
    "part.action": ("What to do", "如何行动"),
    "part.trust": ("How far to trust it", "可信程度"),
}
