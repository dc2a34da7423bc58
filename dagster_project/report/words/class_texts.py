"""The sections that say who the customers are, what they need and what they do."""

from __future__ import annotations

CLASSES: dict[str, tuple[str, str]] = {
    "stages": ("Where customers stand", "客户所处阶段"),
    "stages_note": (
        "Each customer is measured against their own rhythm: silent means quiet for longer than is usual for them.",
        "以每位客户自身的购买节奏衡量：沉默，指安静的时间超过其惯常间隔。",
    ),
    "stages_note_fixed": (
        "Silent means more days without an order than the standard allows, the same for every customer.",
        "沉默，指未下单的天数超过分类标准规定的天数，对所有客户一致。",
    ),
    "value": ("Where the money comes from", "收入来自谁"),
    "value_note": (
        "{share} of the customers who bought bring {value} of the {measure}: the high-value tier.",
        "{share} 的购买客户带来了 {value} 的{measure}，即高价值客户。",
    ),
    "measure.revenue": ("revenue", "收入"),
    "measure.margin": ("margin", "毛利"),
    "curve_x": ("Customers, best first", "客户占比（由高到低）"),
    "curve_y": ("Share of {measure}", "{measure}占比"),
    "curve_even": ("if all were equal", "均等分布"),
    "curve_high": ("High ends: {x} of customers, {y}", "高价值至此：{x} 的客户，{y}"),
    "curve_mid": ("Mid ends: {x}, {y}", "中价值至此：{x}，{y}"),
    "curve_hover": ("of customers bring", "的客户带来"),
    "crossing": ("Stage and value together", "阶段与价值的交叉"),
    "crossing_note": (
        "Customers, and below them their revenue in the window. High-value customers who are silent come first.",
        "上为客户数，下为其窗口期收入。沉默的高价值客户应优先关注。",
    ),
    "crossing_none": ("Nobody has bought yet.", "尚无客户购买。"),
    "grid": ("Recency and frequency", "最近购买与购买频率"),
    "grid_note": (
        "Scores from 1 to {bins}, {bins} is best: how lately a customer bought, and how often in the window.",
        "得分 1 至 {bins}，{bins} 为最佳：最近一次购买的远近，以及窗口期内购买的次数。",
    ),
    "grid_none": (
        "No customer ordered in the window, so there are no scores.",
        "窗口期内没有客户下单，因此没有得分。",
    ),
    "grid_x": ("Frequency score", "频率得分 F"),
    "grid_y": ("Recency score", "近度得分 R"),
    "types": ("The eight types", "RFM 八类客户"),
    "types_note": (
        "High (▲) or low (▽) in recency, frequency and money against the day's cut points.",
        "最近购买 R、频率 F、金额 M 与当日分界值相比：高（▲）或低（▽）。",
    ),
    "matrices": ("Matrices", "客户矩阵"),
    "matrices_note": (
        "Each customer stands in one of four fields, high or low in two measures. Shaded by customers; below the "
        "label: customers, their share, and their revenue in the window.",
        "以两个指标的高低把客户分入四个象限。颜色深浅表示客户数；标签下方为客户数、占比与窗口期收入。",
    ),
    "matrices_none": ("The standard has no matrices.", "分类标准未设置矩阵。"),
    "axis.cut": ("{measure}: high from {value} ({method})", "{measure}：{value} 及以上为高（{method}）"),
    "axis.uncut": ("{measure}: nobody to take the cut over", "{measure}：没有可用于计算分界值的客户"),
    "cut_method.mean": ("the mean", "平均值"),
    "cut_method.median": ("the median", "中位数"),
    "cut_method.quantile": ("a quantile", "分位数"),
    "cut_method.number": ("set in the standard", "标准设定"),
    "matrix_unknown": (
        "{unknown}: {customers}. One of the two measures is not known of them, so they stand in no field.",
        "{unknown}：{customers}。因某一指标未知，未归入任何象限。",
    ),
    "matrix_all_known": ("Every customer has a field.", "所有客户均已归入象限。"),
    "own": ("The company's own classes", "企业自定义分类"),
    "own_note": (
        "Dimensions that the standard adds, and clusters of like customers where it asks for them.",
        "分类标准自行增加的维度，以及按标准要求划分的相似客户聚类。",
    ),
    "own_none": (
        "The standard adds no dimensions of its own and asks for no clusters.",
        "分类标准未增加自定义维度，也未要求聚类。",
    ),
    "needs": ("What customers need", "客户需求"),
    "needs_note": (
        "Customers of each value tier by what is known of their needs; shaded by their share of the tier.",
        "各价值等级客户的需求分布，颜色深浅表示其在该等级中的占比。",
    ),
    "needs_none": (
        "Nothing is known of what customers need, and none has answered a survey.",
        "客户需求未知，也没有客户作答问卷。",
    ),
    "needs_unknown": ("Nothing is known of this yet.", "目前尚无相关信息。"),
    "satisfaction": ("Satisfaction", "满意度"),
    "satisfaction_note": (
        "The mean of each customer's newest answer; of fewer than {fewest} answers it is not shown.",
        "取每位客户最近一次作答的平均值；少于 {fewest} 份答复时不显示。",
    ),
    "satisfaction_none": ("No customer has answered a survey.", "没有客户作答问卷。"),
    "satisfaction_unasked": ("not asked", "未调查"),
    "flags": ("What customers do", "客户行为"),
    "flags_note": (
        "A customer may have several of these signs, or none. Where the data to tell is missing, it is unknown.",
        "一位客户可能同时具有多个标志，也可能没有。缺少判断所需数据时为未知。",
    ),
    "flag_unknown": ("unknown", "未知"),
    "breakdowns": ("Where high value is", "高价值客户分布"),
    "breakdowns_note": (
        "By revenue in the window, ten at most; groups of fewer than {fewest} customers stand under the rest.",
        "按窗口期收入排序，最多十组；少于 {fewest} 位客户的组并入其余。",
    ),
    "breakdowns_none": (
        "Nothing is known of customers' regions, channels, industries or sales reps.",
        "客户的地区、渠道、行业与负责销售均未知。",
    ),
    "breakdown.region": ("Region", "地区"),
    "breakdown.channel": ("Main channel", "主要购买渠道"),
    "breakdown.industry": ("Industry", "行业"),
    "breakdown.owner": ("Sales rep", "负责销售"),
    "breakdown_others": ("The rest", "其余"),
    "breakdown_unknown": ("Unknown", "未知"),
}
