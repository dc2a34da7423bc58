"""What customers will bring, why nothing is foretold, and how far predictions came true."""

from __future__ import annotations

OUTLOOK: dict[str, tuple[str, str]] = {
    "outlook": ("What customers will bring", "客户展望"),
    "outlook_note": (
        "What is expected of everybody who has ordered, from the days on which they did and what these were "
        "worth. Orders of one day count once.",
        "对每位下过单的客户，依据其下单日期与金额作出的预期。同一天的订单算一次。",
    ),
    "outlook_uncomputed": ("Predictions were not computed for this day.", "当日未计算预测。"),
    "outlook_refused": ("Nothing is foretold. {reason}", "没有预测。{reason}"),
    "outlook_headline": (
        "In the next 90 days {customers} customers are expected to order {purchases} times and to bring {value}.",
        "未来 90 天，{customers} 位客户预计下单 {purchases} 次，带来 {value}。",
    ),
    "outlook_headline_without_money": (
        "In the next 90 days {customers} customers are expected to order {purchases} times. What they will bring "
        "is not foretold. {reason}",
        "未来 90 天，{customers} 位客户预计下单 {purchases} 次。金额没有预测。{reason}",
    ),
    "outlook_corrected": (
        "The level of both is corrected by what came in the 90 days after {day}: orders × {purchases}, revenue "
        "× {value}.",
        "两者的水平均按 {day} 之后 90 天的实际校正：次数 × {purchases}，收入 × {value}。",
    ),
    "outlook_uncorrected": (
        "The level is not corrected: there is no month end to learn it from, or the standard asks for none.",
        "水平未作校正：尚无可供学习的月末，或标准未要求校正。",
    ),
    "outlook_model": (
        "Foretold by {model}; models fitted to what was known up to {fitted}. The 365 days are not corrected: a "
        "quarter is no measure for the year.",
        "预测方法：{model}；模型用截至 {fitted} 已知的数据拟合。365 天的预期不校正：一个季度不能代表一年。",
    ),
    "outlook_never_ordered": (
        "{count} more have never ordered: nothing is foretold of them.",
        "另有 {count} 位从未下单，没有预测。",
    ),
    "outlook_reason.no_order": ("Nobody has ordered yet.", "还没有客户下单。"),
    "outlook_reason.switched_off": (
        "The standard switches predictions off (prediction.model: none).",
        "标准关闭了预测（prediction.model: none）。",
    ),
    "outlook_reason.too_few_buyers": (
        "Too few customers have ordered, or have ordered on two days or more, to learn from "
        "(prediction.least_buyers and prediction.least_repeat_buyers of the standard).",
        "下过单的客户，或在两天及以上下过单的客户太少，不足以学习（标准中的 prediction.least_buyers 与 prediction"
        ".least_repeat_buyers）。",
    ),
    "outlook_reason.too_few_spenders": (
        "Too few customers have paid, or have paid on two days or more, to learn what an order is worth.",
        "付过款的客户，或在两天及以上付过款的客户太少，无法学习每次下单的金额。",
    ),
    "outlook_reason.no_mean_amount": (
        "Amounts differ so much from customer to customer that they have no finite mean.",
        "客户之间金额差异过大，平均值不是有限数。",
    ),
    "outlook_reason.no_finite_maximum": (
        "The model does not fit the data: its likelihood has no maximum.",
        "数据不适合这种模型：似然没有最大值。",
    ),
    "predictor.mbg_nbd": ("MBG/NBD and Gamma-Gamma", "MBG/NBD 与 Gamma-Gamma"),
    "predictor.bg_nbd": ("BG/NBD and Gamma-Gamma", "BG/NBD 与 Gamma-Gamma"),
    "predictor.pareto_nbd": ("Pareto/NBD and Gamma-Gamma", "Pareto/NBD 与 Gamma-Gamma"),
    "predictor.recency": ("who ordered last brings most", "最近下单的带来最多"),
    "predictor.last_90_days": ("the last 90 days again", "过去 90 天重来一遍"),
    "predictor.rfm_cells": ("as others like them did", "同类客户此前的平均"),
    "rule": ("Rule: {name}", "规则：{name}"),
    "rule_first": ("The rule '{name}'", "规则“{name}”"),
    "rule_within": ("the rule '{name}'", "规则“{name}”"),
    "foretold": ("Did the predictions come true?", "预测准不准"),
    "foretold_note": (
        "At each month end from {first} to {last} the models were fitted to what was known then. What they "
        "foretold of the next 90 days, uncorrected, is held against what came, beside three simple rules.",
        "在 {first} 至 {last} 的每个月末，只用当时已知的数据拟合模型；把其后 90 天未经校正的预测与实际对照，并与"
        "三条简单规则并列。",
    ),
    "foretold_note_one": (
        "On {last} the models were fitted to what was known then. What they foretold of the next 90 days, "
        "uncorrected, is held against what came, beside three simple rules.",
        "在 {last}，只用当时已知的数据拟合模型；把其后 90 天未经校正的预测与实际对照，并与三条简单规则并列。",
    ),
    "foretold_none": (
        "Nothing can be held against what came yet: that needs a month end at least 90 days after the first order "
        "and 90 days back, with customers enough for a fit.",
        "尚无法与实际对照：需要一个距首单至少 90 天、其后 90 天已过完的月末，且客户数足以拟合。",
    ),
    "foretold_best": (
        "{best} foretold best: ahead in {wins} of {measures} comparisons.",
        "最准的是：{best}。{measures} 项比较中领先 {wins} 项。",
    ),
    "foretold_alike": (
        "Ahead equally often, in {wins} of {measures} comparisons: {predictors}.",
        "领先次数相同，{measures} 项比较中各领先 {wins} 项：{predictors}。",
    ),
    "foretold_rule_published": (
        "{best} foretold best, and is what is published: ahead in {wins} of {measures} comparisons, {other} in "
        "{other_wins}.",
        "最准的是：{best}，也正是所发布的预测。{measures} 项比较中领先 {wins} 项（{other}：{other_wins} 项）。",
    ),
    "foretold_switch": (
        "{best} foretold better than what is published: ahead in {wins} of {measures} comparisons, {other} in "
        "{other_wins}. To publish it, set prediction.model: {code} in standards.yaml.",
        "最准的是：{best}。{measures} 项比较中领先 {wins} 项，而所发布的预测（{other}）领先 {other_wins} 项。若要"
        "改为发布它，请在 standards.yaml 中设置 prediction.model: {code}。",
    ),
    "foretold_rank_only": (
        "{best} was ahead in {wins} of {measures} comparisons, {other} in {other_wins}. The rule only ranks "
        "customers and foretells no amount, so it cannot be published (prediction.model).",
        "领先最多的是：{best}。{measures} 项比较中领先 {wins} 项（{other}：{other_wins} 项）。该规则只排序、不预"
        "测金额，因此不能发布（prediction.model）。",
    ),
    "foretold_measures": (
        "Compared at each month end: the errors of order days and revenue over all customers, the rank "
        "correlation with the revenue that came, and the share of it from the tenth foretold most. Where two are "
        "alike, both are ahead. Errors in the first table are means of their sizes.",
        "每个月末比较四项：全体客户下单天数与收入的误差、与实际收入的秩相关、预测最高的十分之一客户带来的收入占比"
        "。并列时都算领先。第一张表中的误差为绝对值的平均。",
    ),
    "foretold_is_best": ("best", "最准"),
    "foretold_is_published": ("published", "已发布"),
    "foretold_oracle": ("The most that is possible", "可能的上限"),
    "foretold_newest": ("The 90 days after {day}", "{day} 之后的 90 天"),
    "chances": ("Did chances come true?", "概率准不准？"),
    "chances_caption": (
        "A point is a tenth of the customers, by the chance foretold of an order. Above the line more of them "
        "ordered than foretold, below it fewer.",
        "每点为按下单概率划分的十分之一客户。位于线上方表示下单的人比预测多，下方则比预测少。",
    ),
    "chances_x": ("Chance of an order that was foretold", "预测的下单概率"),
    "chances_y": ("Share who ordered", "实际下单比例"),
    "chances_hover": ("foretold {x}, ordered {y}", "预测 {x}，实际 {y}"),
    "gain": ("Did those foretold most bring most?", "预测最高的客户带来的最多吗？"),
    "gain_caption": (
        "Customers from the most expected of to the least. The higher above the even line, the better the order.",
        "客户按预期收入从高到低排列。曲线高出均匀线越多，排序越准。",
    ),
    "gain_x": ("Customers, most expected first", "客户，按预期收入从高到低"),
    "gain_y": ("Share of the revenue that came", "实际收入占比"),
    "gain_hover": ("of the customers brought", "的客户带来"),
    "gain_oracle": (
        "The mark is the most that a tenth of them could bring: {y}.",
        "标记为十分之一客户可能带来的上限：{y}。",
    ),
    "tracking": ("Do repeat orders add up as the model says?", "复购累计是否符合模型？"),
    "tracking_x": ("Days since the first order", "距第一笔订单的天数"),
    "tracking_y": ("Repeat order days so far", "累计复购天数"),
    "tracking_caption": (
        "All customers together. The model was fitted to what lies to the left of the line; it did not know what "
        "lies to the right.",
        "全部客户合计。模型只用竖线左侧的数据拟合，不知道右侧的事。",
    ),
    "frequency": ("Do as many order as often as the model says?", "各复购次数的人数是否符合模型？"),
    "frequency_x": ("Repeat order days of a customer", "每位客户的复购天数"),
    "frequency_caption": (
        "Customers by the number of order days after their first, up to the fit.",
        "按首次之后的下单天数统计的客户数，截至拟合日。",
    ),
    "or_more": ("{count} or more", "{count} 及以上"),
    "in_fact": ("In fact", "实际"),
    "by_model": ("By the model", "模型"),
    "foresight": ("Which dimension tells best what comes?", "哪个维度最能预见后来？"),
    "foresight_said": (
        "What customers bring is told best by {value}, whether they come back by {back}.",
        "客户带来多少，最能由“{value}”预见；是否回来，最能由“{back}”预见。",
    ),
    "foresight_note": (
        "Classes stand in the order of what they brought a customer, or of how many came back, at all these month "
        "ends together. Revenue: what the tenth of the customers in the best classes brought. Told apart: how "
        "often, of a customer who came back and one who did not, the first stood in the better class; the same "
        "class counts half, chance gives 50%. Who had never ordered is left out.",
        "各类别按全部月末合计的人均收入或回归比例排序。收入：位于最好类别的十分之一客户带来的收入占比。区分：任取"
        "一位回来的客户和一位没回来的，前者类别更好的比例；同类算一半，纯靠运气为 50%。从未下单者不计。",
    ),
    "h.tenth_newest": ("Revenue from a tenth, {day}", "十分之一的收入，{day}"),
    "h.told_newest": ("Told apart, {day}", "区分，{day}"),
    "h.tenth_mean": ("Revenue from a tenth, mean", "十分之一的收入，平均"),
    "h.told_mean": ("Told apart, mean", "区分，平均"),
    "h.alive": ("Still customers", "仍是客户的概率"),
    "h.orders_90d": ("Orders in 90 days", "90 天下单次数"),
    "h.value_90d": ("Revenue in 90 days", "90 天收入"),
    "h.value_365d": ("Revenue in 365 days", "365 天收入"),
    "h.value_365d_share": ("Share of it", "占 365 天收入"),
    "h.predictor": ("Foretold by", "预测者"),
    "h.off_purchases": ("Order days off by", "下单天数误差"),
    "h.off_value": ("Revenue off by", "收入误差"),
    "h.top_tenth": ("Revenue from the tenth foretold most", "预测最高十分之一的收入"),
    "h.wins": ("Ahead in", "领先项数"),
    "h.tenth": ("Tenth", "十分位"),
    "h.chance": ("Chance foretold", "预测概率"),
    "h.ordered": ("Ordered", "实际下单"),
    "h.value_foretold": ("Revenue foretold", "预测收入"),
    "h.value_came": ("Revenue that came", "实际收入"),
}
